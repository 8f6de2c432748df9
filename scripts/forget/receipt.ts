// What somebody who asked to be forgotten, or an auditor, can be told: what was removed where, what leaves when by itself,
// what was left and why. It names nobody.
import { cleanAfter } from '../../services/core/topic-clean'
import { deadLettersTopic, topics } from '../../services/core/topics'
import { kindOf } from '../../services/core/identity/node'
import type { Cleaned } from './clean-warehouse'
import type { Parts } from './parts'
import type { PurgedSpool } from './purge-spools'

export interface Receipt {
  readonly receipt: string
  readonly dry_run: boolean
  readonly began_at: string
  readonly ended_at: string
  /** Identifiers of the person by kind. */
  readonly identifiers: Readonly<Record<string, number>>
  readonly removed: {
    readonly clickhouse: readonly Cleaned[]
    readonly dead_letters_dropped: number
    readonly spools: readonly PurgedSpool[]
    readonly stream_processor: string
  }
  readonly leaves: readonly Leaving[]
  readonly left: readonly Left[]
  /** Rows that name the person again; they were written while this ran, or since. */
  readonly came_back: readonly Cleaned[]
}

export interface Leaving {
  readonly where: string
  /** ISO date; null where nothing says when. */
  readonly by: string | null
  readonly because: string
}

export interface Left {
  readonly what: string
  readonly why: string
  readonly order_keys?: readonly string[]
}

const hourMs = 3_600_000

/** Topics that may hold what is forgotten. */
const naming = [
  topics.touchpoints,
  topics.orders,
  topics.journeyFacts,
  topics.journeyChangelog,
  topics.identities,
  topics.attributedOrders,
  topics.findings,
  topics.erpDeliveries,
  deadLettersTopic,
]

export function countKinds(identifiers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of identifiers) counts[kindOf(one)] = (counts[kindOf(one)] ?? 0) + 1
  return counts
}

/** As the broker itself is configured, from `fromMs` on. */
export async function leavingTopics(parts: Parts, fromMs: number): Promise<Leaving[]> {
  const leaving: Leaving[] = []
  for (const { name } of naming) {
    const topic = parts.prefix + name
    const { withinMs, why } = cleanAfter(await parts.admin.configurationOf(topic))
    leaving.push({ where: `topic ${topic}`, by: dateOf(fromMs, withinMs), because: why })
  }
  return [
    ...leaving,
    {
      where: 'stores of the stream processor',
      by: dateOf(fromMs, hourMs),
      because: 'they are rewritten as soon as nothing waits (PURGE_INTERVAL_MS)',
    },
    {
      where: 'files of ClickHouse',
      by: dateOf(fromMs, hourMs),
      because: 'old parts go minutes after they were replaced (old_parts_lifetime)',
    },
  ]
}

/** @param orderKeys of the person's orders */
export function leftBehind(orderKeys: readonly string[]): Left[] {
  return [
    {
      what: 'orders: what was bought and paid, refunds, and the credits of every model',
      why: 'they are the books of the shop; they stand under no name, and no identifier leads to them',
      order_keys: orderKeys,
    },
    {
      what: 'sales, deliveries and parties in the ERP, under these order keys',
      why: 'the ERP is the own book of the shop; delete or anonymise there what the law does not ask to keep',
    },
    {
      what: 'ids of events in the journeys of those orders',
      why: 'they say what was credited; the events themselves are gone',
    },
    {
      what: 'spools that were not named with --spool: those of edges that do not run, and what any edge has put aside as damaged',
      why: 'nobody else can reach them; an edge that runs empties its spool into the topic, but for the quarantine',
    },
    {
      what: 'directories of stream processors that no longer run, backups, copies',
      why: 'they are out of reach: remove them, or run this again after a backup is brought back',
    },
  ]
}

function dateOf(fromMs: number, withinMs: number | null): string | null {
  return withinMs === null ? null : new Date(fromMs + withinMs).toISOString()
}

export function printReceipt(receipt: Receipt): void {
  const { removed, leaves, left, came_back: cameBack, dry_run: dry } = receipt
  const kinds = Object.entries(receipt.identifiers).map(([kind, count]) => `${count} ${kind}`)
  const lines = [
    `receipt ${receipt.receipt}, ${receipt.ended_at}${dry ? ', dry run: nothing was changed' : ''}`,
    `identifiers of the person: ${kinds.join(', ')}`,
    '',
    dry ? 'would be removed' : 'removed',
    ...removed.clickhouse.map(
      ({ table, rows, way }) => `  ClickHouse ${table}: ${rows} rows ${way}`,
    ),
    `  dead letters dropped: ${removed.dead_letters_dropped}`,
    ...removed.spools.map(
      ({ directory, records, quarantined, running }) =>
        `  spool ${directory}: ${running ? 'its records go to the topic, its edge runs' : `${records} records`}, ${quarantined} damaged files`,
    ),
    `  stream processor: ${removed.stream_processor}`,
    '',
    'leaves by itself, at the latest',
    ...leaves.map(({ where, by, because }) => `  ${by ?? 'unknown'}  ${where}: ${because}`),
    '',
    'left',
    ...left.flatMap(({ what, why, order_keys: keys }) => [
      `  ${what}: ${why}`,
      ...(keys ?? []).map((key) => `    ${key}`),
    ]),
  ]
  if (cameBack.length > 0) {
    lines.push('', 'came back: written while this ran or since; run it again if that is not wanted')
    for (const { table, rows } of cameBack) lines.push(`  ClickHouse ${table}: ${rows} rows`)
  }
  console.log(lines.join('\n'))
}
