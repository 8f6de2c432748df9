// What was refused: the first few on the screen, all of them in a file beside the one that was imported, which can be
// mended and imported as it is.
import { closeSync, openSync, writeSync } from 'node:fs'
import { stringify } from 'csv-stringify/sync'
import type { Fault } from '../../services/core/edge/notes'
import { refusedColumns } from './figure-of-row'
import type { TableRow } from './read-table'

export interface Refusals {
  refuse(row: TableRow, faults: readonly Fault[]): void
  count(): number
  /** To be called once. @returns the file's name; null where nothing was refused, or it cannot be written */
  close(): string | null
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
  let descriptor: number | null = null
  let failure: string | null = null
  // Written through at once: however many rows are refused, none is held.
  const write = (text: string): void => {
    if (failure !== null) return
    try {
      // Spreadsheets take a file without this mark for one of their own country's encoding.
      const names = [...refusedColumns, ...kept.map(({ column }) => column)]
      const head = descriptor === null ? `\ufeff${stringify([names])}` : ''
      descriptor ??= openSync(path, 'w')
      writeSync(descriptor, head + text)
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
      print(`${path} cannot be written (${failure}): refused rows are listed here only`)
    }
  }
  return {
    refuse({ line, cells, fault }, faults) {
      count += 1
      const reasons = faults.map((one) => `${one.field}: ${one.fault}`)
      const because = fault === '' ? reasons.join('; ') : fault
      const own = fault === '' ? kept.map(({ at }) => cells[at] ?? '') : cells
      write(stringify([[String(line), because, ...own]]))
      if (count <= shownMax || failure !== null) print(`${file}:${line}: ${because}`)
      else if (count === shownMax + 1) print(`${file}: more rows are refused, all are in ${path}`)
    },
    count: () => count,
    close: () => {
      if (descriptor !== null) closeSync(descriptor)
      return descriptor === null || failure !== null ? null : path
    },
  }
}
