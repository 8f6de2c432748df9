// The cells of a row as the fields of a figure: what a file can only write as text becomes what the field wants, where
// that is beyond doubt. What is not stays text, and the rules of the figures say what is wrong with it.
import type { FigureKind } from '../../services/core/figures/figure'
import { SetupError } from '../../services/runtime/errors'
import { figureFields } from '../../services/order-gateway/read-figure'

export type CellKind = 'text' | 'number' | 'time' | 'flag'

/** Columns that our own list of refused rows adds. */
export const refusedColumns = ['refused_line', 'refused_because'] as const

/** What a field holds, by its name. */
export function cellKindOf(field: string): CellKind {
  if (/_minor$|_basis_points$|^pieces$/.test(field)) return 'number'
  if (/_at$|^valid_from$/.test(field)) return 'time'
  return field === 'withdrawn' ? 'flag' : 'text'
}

/** @throws SetupError for columns that are no fields: a misspelt one would be left out of every row */
export function assertColumns(file: string, kind: FigureKind, columns: readonly string[]): void {
  const known = figureFields(kind)
  const own: readonly string[] = refusedColumns
  const unknown = columns.filter((column) => !known.includes(column) && !own.includes(column))
  if (unknown.length > 0) {
    const shown = unknown.map((column) => (column === '' ? '(no name)' : column)).join(', ')
    throw new SetupError(`${file}: no fields of ${kind}: ${shown}; they are ${known.join(', ')}`)
  }
  const twice = columns.find((column, at) => columns.indexOf(column) !== at)
  if (twice !== undefined) throw new SetupError(`${file}: two columns are called ${twice}`)
}

/** The fields a row says something about; empty cells say nothing. */
export function figureOfRow(
  columns: readonly string[],
  cells: readonly string[],
  zone: string | null,
): Record<string, unknown> {
  const own: readonly string[] = refusedColumns
  return Object.fromEntries(
    columns.flatMap((column, at) => {
      const text = cells[at] ?? ''
      return text === '' || own.includes(column) ? [] : [[column, valueOf(column, text, zone)]]
    }),
  )
}

function valueOf(column: string, text: string, zone: string | null): unknown {
  switch (cellKindOf(column)) {
    case 'number':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text
    case 'time':
      return /^\d{11,15}$/.test(text) ? Number(text) : withZone(text, zone)
    case 'flag':
      return flags.get(text.toLowerCase()) ?? text
    case 'text':
      return text
  }
}

const flags = new Map([
  ...['true', '1', 'yes', '是'].map((word) => [word, true] as const),
  ...['false', '0', 'no', '否'].map((word) => [word, false] as const),
])

const withoutZone =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?)?$/

/** As spreadsheets write times, 2026/1/5 9:00, in the zone that was said to be theirs. */
function withZone(text: string, zone: string | null): string {
  const parts = zone === null ? null : withoutZone.exec(text)
  if (parts === null || zone === null) return text
  const [, year = '', month = '', day = '', hour = '0', minute = '00', second = '00'] = parts
  const two = (part: string): string => part.padStart(2, '0')
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}${zone}`
}
