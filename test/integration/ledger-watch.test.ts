// What the writer says of the ledger, look after look.
import { createLedgerWatch } from '../../services/clickhouse-writer/watch-ledger'
import { createLettersWatch } from '../../services/clickhouse-writer/watch-letters'
import type { Warehouse } from '../../services/runtime/clickhouse'
import { createMetrics } from '../../services/runtime/metrics'
import { dropWarehouse, openWarehouse } from '../support/warehouse'

let warehouse: Warehouse

beforeAll(async () => {
  warehouse = await openWarehouse('ledger_watch')
})

afterAll(() => dropWarehouse(warehouse))

test('a difference older than the look is counted once, however often it is found', async () => {
  const metrics = createMetrics('clickhouse-writer')
  const look = createLedgerWatch({ warehouse, metrics, olderThanMs: 0, part: 'writer' })
  const read = (offset: number): string =>
    `('touchpoint', 'web', 'id-${offset}', now64(3) - INTERVAL 5 HOUR, 'touchpoints', 0, ${offset}, now64(3) - INTERVAL 5 HOUR)`
  await warehouse.command(
    `INSERT INTO ${warehouse.database}.topic_records
       (kind, source, id, accepted_at, kafka_topic, kafka_partition, kafka_offset, appended_at)
     VALUES ${read(3)}, ${read(6)}`,
  )
  for (let times = 0; times < 3; times += 1) {
    await look()
    expect(await metrics.registry.metrics()).toMatch(
      /ledger_unexplained\{kind="touchpoint",station="topic"\} 2$/m,
    )
  }
  const [row] = await warehouse.query<{ n: number }>(
    `SELECT count() AS n FROM ${warehouse.database}.ledger_differences WHERE fault = 'removed'`,
  )
  expect(row?.n).toBe(1)
})

test('a run of an edge of which a record is missing is seen though as many others are there twice', async () => {
  const { database } = warehouse
  const read = (sequence: number, offset: number): string =>
    `('touchpoint', 'web', 'id-${sequence}', toStartOfMinute(now()), now64(3), 'run', ${sequence}, 'touchpoints', 1, ${offset}, now64(3))`
  await warehouse.command(
    `INSERT INTO ${database}.ledger_entries (boot, kind, source, minute, records, digest, sequences)
     VALUES ('run', 'touchpoint', 'web', toStartOfMinute(now()), 4, 1, [(0, 1), (2, 3)])`,
  )
  await warehouse.command(
    `INSERT INTO ${database}.topic_records (kind, source, id, minute, accepted_at, boot, sequence,
       kafka_topic, kafka_partition, kafka_offset, appended_at)
     VALUES ${[read(0, 0), read(1, 1), read(3, 2), read(3, 3), read(1, 4)].join(', ')}`,
  )
  const differsAt = async (): Promise<unknown> =>
    warehouse.query(
      `SELECT accepted, in_topic, unmatched, differs_at FROM ${database}.ledger WHERE accepted > 0`,
    )
  const seen = { accepted: 4, in_topic: 5, unmatched: 1, differs_at: 'topic' }
  expect(await differsAt()).toEqual([seen])
  await warehouse.command(
    `INSERT INTO ${database}.topic_records (kind, source, id, minute, accepted_at, boot, sequence,
       kafka_topic, kafka_partition, kafka_offset, appended_at) VALUES ${read(2, 5)}`,
  )
  expect(await differsAt()).toEqual([
    expect.objectContaining({ in_topic: 6, unmatched: 0 }) as unknown,
  ])
})

test('a dead letter that its topic no longer holds waits for nobody', async () => {
  const metrics = createMetrics('clickhouse-writer')
  const { database } = warehouse
  const buried = (offset: number, days: number): string =>
    `('journey', 'orders', 0, ${offset}, 'crashed', 'dead-letters', 0, ${offset}, now64(3) - INTERVAL ${days} DAY)`
  await warehouse.command(
    `INSERT INTO ${database}.dead_letters (stage, origin_topic, origin_partition, origin_offset, reason,
       kafka_topic, kafka_partition, kafka_offset, appended_at)
     VALUES ${[buried(1, 91), buried(2, 30), buried(3, 0)].join(', ')}`,
  )
  let low = 0
  const look = createLettersWatch({
    ...{ warehouse, metrics, topic: 'dead-letters' },
    admin: { bounds: () => Promise.resolve([{ partition: 0, low, high: 4 }]) },
  })
  const open = async (): Promise<string[]> => {
    await look()
    const text = await metrics.registry.metrics()
    return [...text.matchAll(/open_dead_letters\{.*\} (\d+)/g)].map(([, letters]) => letters ?? '')
  }
  expect(await open()).toEqual(['2'])
  low = 3
  expect(await open()).toEqual(['1'])
  const states = await warehouse.query<{ state: string }>(
    `SELECT state FROM ${database}.dead_letters_current ORDER BY buried_offset`,
  )
  expect(states.map(({ state }) => state)).toEqual(['expired', 'open', 'open'])
})
