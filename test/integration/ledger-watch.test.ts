// What the writer says of the ledger, look after look.
import { createLedgerWatch } from '../../services/clickhouse-writer/watch-ledger'
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
