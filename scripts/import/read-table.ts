// A CSV file as rows, one by one however large it is: with or without a byte order mark, quoted line ends, CRLF.
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { SetupError } from '../../services/runtime/errors'

export interface TableRow {
  /** On which it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
  /** Why it cannot be one; empty where it can. */
  readonly fault: string
}

export interface Table {
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<TableRow>
}

/** Quotes that never end would otherwise take the rest of the file along. */
const rowCharactersMax = 1_000_000

interface Parsed {
  readonly record: readonly string[]
  /** `lines`: up to and with this record. */
  readonly info: { readonly lines: number }
}

/** @throws SetupError when there is no such file, or it has no header; while it is read, when it is not in `encoding` */
export async function readTable(file: string, encoding: string): Promise<Table> {
  const rows = readRows(file, encoding)
  const first = await rows.next()
  if (first.done === true) {
    throw new SetupError(`${file} is empty: its first line must name the fields`)
  }
  const { cells: columns } = first.value
  return { columns, rows: checked(rows, columns.length) }
}

async function* checked(rows: AsyncIterable<TableRow>, width: number): AsyncGenerator<TableRow> {
  for await (const row of rows) {
    const { length } = row.cells
    yield length !== width
      ? { ...row, fault: `has ${length} cells, the first line has ${width}` }
      : row
  }
}

async function* readRows(file: string, encoding: string): AsyncGenerator<TableRow> {
  // Of the last row parsed, which is ahead of the last one handed over.
  let parsedLines = 0
  const parser = parse({
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    // As spreadsheets leave them behind the last row.
    skip_records_with_empty_values: true,
    max_record_size: rowCharactersMax,
    trim: true,
    on_record: (record: string[], { lines }: Parsed['info']) => {
      parsedLines = lines
      return record
    },
  })
  // What goes wrong before the parser ends it, and is thrown by it.
  pipeline(createReadStream(file), decoder(encoding), parser, () => undefined)
  try {
    for await (const { record, info } of parser as Readable & AsyncIterable<Parsed>) {
      const within = record.join('').split('\n').length - 1
      yield { line: info.lines - within, cells: record, fault: '' }
    }
  } catch (error) {
    throw setupErrorOf(error, { file, encoding, line: parsedLines + 1 })
  }
}

function decoder(encoding: string) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
    const decoding = new TextDecoder(encoding, { fatal: true })
    // The parser takes CRLF within quotation marks for two lines.
    let held = ''
    for await (const chunk of chunks) {
      const text = held + decoding.decode(chunk, { stream: true })
      held = text.endsWith('\r') ? '\r' : ''
      yield text.slice(0, text.length - held.length).replaceAll(/\r\n?/g, '\n')
    }
    yield held + decoding.decode()
  }
}

const misquoted: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is never closed',
  CSV_MAX_RECORD_SIZE: 'a row is too long: a quotation mark may not be closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quotation mark stands in an odd place',
  INVALID_OPENING_QUOTE: 'a quotation mark stands in an odd place',
}

function setupErrorOf(
  error: unknown,
  {
    file,
    encoding,
    line,
  }: { readonly file: string; readonly encoding: string; readonly line: number },
): unknown {
  const { code } = error as { readonly code?: unknown }
  const words = misquoted[String(code)]
  if (words !== undefined) {
    // Where a row ends nobody can tell any more.
    const hint = 'what comes from there on was not read; mend it and import the file again'
    return new SetupError(`${file}:${line}: ${words}; ${hint}`, { cause: error })
  }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    const hint = `save it as "CSV UTF-8", or say --encoding gb18030 where it comes from a Chinese spreadsheet`
    return new SetupError(`${file}: is not ${encoding} from about line ${line} on: ${hint}`, {
      cause: error,
    })
  }
  if (code === 'ENOENT') return new SetupError(`${file}: there is no such file`, { cause: error })
  if (code === 'EACCES' || code === 'EISDIR') {
    return new SetupError(`${file}: cannot be read (${code})`, { cause: error })
  }
  return error
}
