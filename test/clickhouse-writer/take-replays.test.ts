import type { ReadRecord } from '../../services/clickhouse-writer/read-rows'
import { passOver, skipWritten } from '../../services/clickhouse-writer/take-replays'
import { reject } from '../../services/core/reject'
import { replayHeaders } from '../../services/core/topics'
import type { Warehouse } from '../../services/runtime/clickhouse'

function read(offset: number, version: number, stage: string | null): ReadRecord {
  const headers =
    stage === null ? {} : { [replayHeaders.of]: 'a:0:0:b', [replayHeaders.for]: stage }
  return {
    record: {
      ...{ topic: 'attributed-orders', partition: 1, offset, headers, timestampMs: 0 },
      ...{ key: null, value: Buffer.from('value') },
    },
    row: { order_key: 'douyin:shop:1', version },
    ledgerRow: null,
    rejected: null,
    acceptedAtMs: 5,
  }
}

/** A warehouse that has versions of the order, each with the offset it was read at. */
function having(...written: { version: number; kafka_offset: number }[]): Warehouse {
  const rows = written.map((one) => ({ order_key: 'douyin:shop:1', kafka_partition: 1, ...one }))
  return { database: 'db', query: () => Promise.resolve(rows) } as unknown as Warehouse
}

const rowsLeft = (reads: readonly ReadRecord[]): number[] =>
  reads.filter(({ row }) => row !== null).map(({ record }) => record.offset)

test('a replay for another service is passed over, also when it cannot be read', () => {
  const undecodable = { ...read(7, 1, 'erp-sink'), row: null, rejected: reject('undecodable', '') }
  expect(passOver(undecodable)).toMatchObject({ row: null, rejected: null })
  expect(passOver(read(7, 1, 'erp-sink'))).toMatchObject({ row: null, acceptedAtMs: null })
})

test('a replay of our own has its row and is no news; what is no replay stays as it is', () => {
  const own = read(7, 1, 'clickhouse-writer')
  expect(passOver(own)).toEqual({ ...own, acceptedAtMs: null })
  const first = read(7, 1, null)
  expect(passOver(first)).toBe(first)
})

test('a replayed version that the table has makes no second row, nor do two replays of one batch', async () => {
  const reads = [
    read(7, 1, 'clickhouse-writer'),
    read(8, 2, 'clickhouse-writer'),
    read(9, 2, 'clickhouse-writer'),
    read(10, 3, null),
  ]
  const left = await skipWritten(reads, having({ version: 1, kafka_offset: 3 }))
  expect(rowsLeft(left)).toEqual([8, 10])
})

test('the row of an insert that was cut off is written again, so that the sums get it too', async () => {
  const reads = [read(7, 1, 'clickhouse-writer')]
  expect(rowsLeft(await skipWritten(reads, having({ version: 1, kafka_offset: 7 })))).toEqual([7])
})
