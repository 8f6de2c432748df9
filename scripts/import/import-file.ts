// One file: every row read, checked, sent and told of, in bounded memory.
import type { Fault } from '../../services/core/edge/notes'
import { figureFaults } from '../../services/core/figures/figure-faults'
import type { FigureKind } from '../../services/core/figures/figure'
import { readFigure } from '../../services/order-gateway/read-figure'
import { assertColumns, figureOfRow } from './figure-of-row'
import type { Progress } from './progress'
import { readTable, type TableRow } from './read-table'
import { openRefusals } from './refusals'
import type { SendFigures } from './send-figures'

export interface ImportOptions {
  readonly kind: FigureKind
  readonly zone: string | null
  readonly encoding: string
  /** Null checks only. */
  readonly send: SendFigures | null
  readonly progress: Progress
  readonly now: () => number
}

export interface Imported {
  readonly read: number
  /** Taken by the gateway; where nothing is sent, what is right. */
  readonly accepted: number
  readonly refused: number
  /** Where refused rows stand; null where there are none. */
  readonly refusedFile: string | null
}

interface Checked {
  readonly row: TableRow
  readonly figure: Readonly<Record<string, unknown>>
}

const batchRows = 200

/** @throws SetupError when the file is none of figures of this kind. @throws DependencyError when the gateway stays away */
export async function importFile(file: string, options: ImportOptions): Promise<Imported> {
  const { kind, zone, encoding, send, progress } = options
  const { columns, rows } = await readTable(file, encoding)
  assertColumns(file, kind, columns)
  const print = progress.print.bind(progress)
  const refusals = openRefusals({ file, columns, print })
  let refusedFile: string | null = null
  let read = 0
  let accepted = 0
  let batch: Checked[] = []
  const flush = async (): Promise<void> => {
    const sent = batch
    batch = []
    const faults = await send?.(
      kind,
      sent.map(({ figure }) => figure),
    )
    for (const [at, { row }] of sent.entries()) {
      const found = faults?.[at] ?? []
      if (found.length === 0) accepted += 1
      else refusals.refuse(row, found)
    }
    progress.show(countsOf(file, { read, accepted, refused: refusals.count() }))
  }
  try {
    for await (const row of rows) {
      read += 1
      const figure = figureOfRow(columns, row.cells, zone)
      const faults = row.fault === '' ? faultsOf(kind, figure, options.now()) : []
      if (row.fault !== '' || faults.length > 0) refusals.refuse(row, faults)
      else batch.push({ row, figure })
      if (batch.length === batchRows) await flush()
    }
    if (batch.length > 0) await flush()
  } finally {
    refusedFile = refusals.close()
    progress.clear()
    // Also of an import that does not come to its end: what is known is on record.
    if (batch.length > 0 || read > accepted + refusals.count()) {
      print(`${countsOf(file, { read, accepted, refused: refusals.count() })}; not done`)
    }
  }
  return { read, accepted, refused: refusals.count(), refusedFile }
}

export function countsOf(
  file: string,
  { read, accepted, refused }: Pick<Imported, 'read' | 'accepted' | 'refused'>,
): string {
  return `${file}: ${read} rows read, ${accepted} accepted, ${refused} refused`
}

/** By the gateway's own rules; what a source may state only the gateway knows. */
function faultsOf(kind: FigureKind, figure: unknown, now: number): readonly Fault[] {
  const reading = readFigure(kind, figure)
  return 'faults' in reading ? reading.faults : figureFaults(kind, reading.message, now)
}
