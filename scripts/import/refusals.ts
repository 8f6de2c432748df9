// What was refused: the first few on the screen, all of them in a file beside the one that was imported, which can be
// mended and imported as it is.
import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { stringify } from 'csv-stringify/sync'
import type { Fault } from '../../services/core/edge/notes'
import { refusedColumns } from './figure-of-row'
import type { TableRow } from './read-table'

export interface Refusals {
  refuse(row: TableRow, faults: readonly Fault[]): void
  count(): number
  /** @returns the file's name; null where nothing was refused or written */
  close(): Promise<string | null>
}

export interface RefusalOptions {
  readonly file: string
  readonly columns: readonly string[]
  readonly print: (line: string) => void
}

const shownMax = 20

export function openRefusals({ file, columns, print }: RefusalOptions): Refusals {
  const path = `${file}.refused.csv`
  const own: readonly string[] = refusedColumns
  const kept = columns.flatMap((column, at) => (own.includes(column) ? [] : [{ column, at }]))
  let count = 0
  let output: WriteStream | null = null
  let failure: Error | null = null
  const write = (cells: readonly string[]): void => {
    if (output === null) {
      output = createWriteStream(path)
      output.on('error', (error) => {
        failure ??= error
      })
      // Spreadsheets take a file without this mark for one of their own country's encoding.
      output.write(`\ufeff${stringify([[...refusedColumns, ...kept.map(({ column }) => column)]])}`)
    }
    output.write(stringify([[...cells]]))
  }
  return {
    refuse({ line, cells, fault }, faults) {
      count += 1
      const reasons = faults.map((one) => `${one.field}: ${one.fault}`)
      const because = fault === '' ? reasons.join('; ') : fault
      if (count <= shownMax) print(`${file}:${line}: ${because}`)
      if (count === shownMax + 1) print(`${file}: more rows are refused, all are in ${path}`)
      const own = fault === '' ? kept.map(({ at }) => cells[at] ?? '') : cells
      write([String(line), because, ...own])
    },
    count: () => count,
    close: async () => {
      if (output === null) return null
      output.end()
      await finished(output).catch(() => undefined)
      if (failure === null) return path
      print(`${path} cannot be written (${failure.message}): refused rows are listed above only`)
      return null
    },
  }
}
