// `npm run ledger`: says what the ledger cannot explain, record by record. Exit 0: nothing, 1: something is missing,
// stale or too much, 2: it could not look, or not everywhere. `--rebuild <day>` brings the roll-ups of a day back to the orders.
import { parseArgs } from 'node:util'
import { connectWarehouse, type Warehouse } from '../services/runtime/clickhouse'
import { loadConfig } from '../services/runtime/config'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { lookAtLedger, type Difference } from '../services/runtime/ledger-look'
import { rebuildDay } from '../services/runtime/ledger-roll-ups'
import { warehouseOptions, warehouseSettings } from '../services/runtime/warehouse-settings'
import { addressed } from './addressed'
import { unseenStations } from './ledger/unseen-stations'

const usage = `usage: npm run ledger -- [--older-than 5m] [--back 48h] [--json]
       npm run ledger -- --rebuild YYYY-MM-DD`

interface Arguments {
  readonly olderThanMs: number
  /** How far back to look. */
  readonly backMs: number
  readonly json: boolean
  /** Day whose roll-ups are to be rebuilt. */
  readonly rebuild: string | null
}

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2))
  const warehouse = connectWarehouse(warehouseOptions(loadConfig(warehouseSettings, addressed())))
  try {
    return given.rebuild === null
      ? await report(warehouse, given)
      : await rebuild(warehouse, given.rebuild)
  } finally {
    await warehouse.close()
  }
}

async function report(
  warehouse: Warehouse,
  { olderThanMs, backMs, json }: Arguments,
): Promise<number> {
  const look = await lookAtLedger(warehouse, backMs)
  const unexplained = look.differences.filter(({ overdueMs }) => overdueMs >= olderThanMs)
  const unseen = unseenStations(look, olderThanMs)
  if (json) {
    console.log(
      JSON.stringify({ at: look.at, unexplained, unseen: unseen.map(({ text }) => text) }),
    )
  } else {
    console.log(unexplained.length === 0 ? 'no unexplained difference' : tableOf(unexplained))
    for (const { text } of unseen) console.log(text)
  }
  if (unexplained.length > 0) return 1
  return unseen.some(({ never }) => !never) ? 2 : 0
}

function tableOf(differences: readonly Difference[]): string {
  const head = ['minute', 'kind', 'source', 'station', 'fault', 'records', 'overdue', 'seen at']
  const rows = differences.map((one) => [
    new Date(one.minute).toISOString().slice(0, 16),
    one.kind,
    one.source,
    one.station,
    one.fault,
    String(one.records),
    durationOf(one.overdueMs),
    one.seenAt,
  ])
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [
    line(head),
    ...rows.flatMap((row, index) => [line(row), ...idLines(differences[index])]),
  ].join('\n')
}

function idLines(difference: Difference | undefined): string[] {
  if (difference === undefined) return []
  const { ids, records } = difference
  const more = records > ids.length ? [`    and ${records - ids.length} more`] : []
  return [...ids.map((id) => `    ${id}`), ...more]
}

function durationOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 120) return `${seconds}s`
  return seconds < 7_200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3_600)}h`
}

async function rebuild(warehouse: Warehouse, day: string): Promise<number> {
  const wrong = await rebuildDay(warehouse, day)
  if (wrong === null) {
    console.log(`${day}: the sums still differ; too much is being written, stop clickhouse-writer`)
    return 1
  }
  console.log(wrong === 0 ? `${day}: the sums were right` : `${day}: ${wrong} sums brought back`)
  return 0
}

/** @throws SetupError that says how it is used */
function readArguments(args: readonly string[]): Arguments {
  const options = {
    'older-than': { type: 'string', default: '5m' },
    back: { type: 'string', default: '48h' },
    json: { type: 'boolean', default: false },
    rebuild: { type: 'string' },
  } as const
  const { values } = parsed(() => parseArgs({ args: [...args], options }))
  const { rebuild: day } = values
  if (day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(day)) {
    throw new SetupError(`--rebuild: say a day, YYYY-MM-DD\n${usage}`)
  }
  return {
    olderThanMs: durationFrom('--older-than', values['older-than']),
    backMs: durationFrom('--back', values.back),
    json: values.json,
    rebuild: day ?? null,
  }
}

/** @throws SetupError that says how it is written */
function durationFrom(name: string, text: string): number {
  const [, number, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? []
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? '']
  if (unitMs === undefined) throw new SetupError(`${name}: say 90s, 5m or 2h\n${usage}`)
  return Number(number) * unitMs
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new SetupError(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`)
  }
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode
  },
  (error: unknown) => {
    const known = error instanceof SetupError || error instanceof DependencyError
    console.error(known ? error.message : error)
    process.exitCode = 2
  },
)
