import type { Insert, InsertRefusal } from '../../services/runtime/clickhouse'
import { deadLetterSource, feedSource } from '../../services/clickhouse-writer/read-rows'
import { batchToken, writeBatch } from '../../services/clickhouse-writer/write-batch'
import type { Feed } from '../../services/core/warehouse/feeds'
import { topics } from '../../services/core/topics'
import { touchpointRow } from '../../services/core/warehouse/rows'
import { localCodec } from '../../services/runtime/codec'
import type { IncomingRecord, OutgoingRecord } from '../../services/runtime/kafka'
import { aTouchpoint } from '../given'

const codec = localCodec('Touchpoint')
const feed: Feed<typeof topics.touchpoints> = {
  topic: topics.touchpoints,
  table: 'touchpoints',
  urgent: true,
  rowOf: touchpointRow,
  acceptedAtOf: ({ accepted_at }) => accepted_at,
}
const source = feedSource(feed, codec)
const target = { table: 'touchpoints', topicPrefix: '' }

function aRecord(offset: number, value: Buffer | null): IncomingRecord {
  return {
    topic: 'touchpoints',
    partition: 1,
    offset,
    key: Buffer.from('visitor:v1'),
    value,
    headers: {},
    timestampMs: 0,
  }
}

function good(offset: number): IncomingRecord {
  return aRecord(offset, codec.encode(aTouchpoint({ id: `touch-${offset}` })))
}

interface Rig {
  readonly inserts: Insert[]
  readonly letters: OutgoingRecord[]
  readonly ports: Parameters<typeof writeBatch>[2]
}

function rig(refuses: (insert: Insert) => InsertRefusal | null = () => null): Rig {
  const inserts: Insert[] = []
  const letters: OutgoingRecord[] = []
  return {
    inserts,
    letters,
    ports: {
      read: (records) => source.read(records),
      insert: (insert) => {
        const refusal = refuses(insert)
        if (refusal === null) inserts.push(insert)
        return Promise.resolve(refusal)
      },
      bury: (buried) => {
        letters.push(...buried)
        return Promise.resolve()
      },
    },
  }
}

function refusing(id: string): (insert: Insert) => InsertRefusal | null {
  return ({ rows }) =>
    rows.some((row) => row['id'] === id) ? { code: 469, name: 'VIOLATED_CONSTRAINT' } : null
}

test('a batch is one insert', async () => {
  const { inserts, letters, ports } = rig()
  await writeBatch([good(4), good(5)], target, ports)
  expect(inserts.map(({ table, rows }) => [table, rows.length])).toEqual([['touchpoints', 2]])
  expect(letters).toEqual([])
})

test('a record that cannot be decoded becomes a dead letter with its bytes, and the rest goes on', async () => {
  const { inserts, letters, ports } = rig()
  const bytes = Buffer.from('not avro')
  await writeBatch([good(4), aRecord(5, bytes), good(6)], target, ports)
  expect(inserts.flatMap(({ rows }) => rows.map((row) => row['id']))).toEqual([
    'touch-4',
    'touch-6',
  ])
  expect(letters).toEqual([
    {
      topic: 'dead-letters',
      partition: 0,
      key: Buffer.from('visitor:v1'),
      value: bytes,
      headers: {
        'tributary-topic': 'touchpoints',
        'tributary-partition': '1',
        'tributary-offset': '5',
        'tributary-stage': 'clickhouse-writer',
        'tributary-reason': 'undecodable',
        'tributary-detail': 'no Avro value in wire format',
      },
    },
  ])
})

test('a row ClickHouse refuses for its data ends alone among the dead letters', async () => {
  const { inserts, letters, ports } = rig(refusing('touch-6'))
  const results = await writeBatch([4, 5, 6, 7, 8].map(good), target, ports)
  expect(inserts.flatMap(({ rows }) => rows.map((row) => row['id']))).toEqual([
    'touch-4',
    'touch-5',
    'touch-7',
    'touch-8',
  ])
  expect(letters.map(({ headers }) => headers?.['tributary-offset'])).toEqual(['6'])
  expect(results.filter(({ rejected }) => rejected !== null)).toHaveLength(1)
})

test('what ClickHouse says of a refused row, which may quote it, stays out of the dead letter', async () => {
  const { letters, ports } = rig(refusing('touch-4'))
  await writeBatch([good(4)], target, ports)
  expect(letters[0]?.headers?.['tributary-detail']).toBe('clickhouse 469 VIOLATED_CONSTRAINT')
})

test('records of several partitions at one offset each become what they are', async () => {
  const { letters, ports } = rig(refusing('touch-4'))
  const undecodable = { ...aRecord(4, Buffer.from('not avro')), partition: 2 }
  const other = { ...aRecord(4, codec.encode(aTouchpoint({ id: 'other' }))), partition: 3 }
  const results = await writeBatch([good(4), undecodable, other], target, ports)
  expect(results.map(({ record, rejected }) => [record.partition, rejected?.rejected])).toEqual([
    [1, 'invalid'],
    [2, 'undecodable'],
    [3, undefined],
  ])
  expect(letters.map(({ headers }) => headers?.['tributary-partition'])).toEqual(['1', '2'])
})

test('a batch cut up by a refusal is cut the same way when it is repeated', async () => {
  const [first, second] = [rig(refusing('touch-6')), rig(refusing('touch-6'))]
  await writeBatch([4, 5, 6, 7, 8].map(good), target, first.ports)
  await writeBatch([4, 5, 6, 7, 8].map(good), target, second.ports)
  expect(second.inserts).toEqual(first.inserts)
})

test('a tombstone makes no row', async () => {
  const { inserts, letters, ports } = rig()
  await writeBatch([aRecord(4, null)], target, ports)
  expect([inserts, letters]).toEqual([[], []])
})

test('a dead letter that ClickHouse refuses stops the service instead of going round', async () => {
  const { ports } = rig(() => ({ code: 27, name: 'CANNOT_PARSE' }))
  const letters = deadLetterSource()
  const record = { ...good(4), topic: 'dead-letters' }
  await expect(
    writeBatch(
      [record],
      { ...target, table: 'dead_letters' },
      { ...ports, read: (records) => letters.read(records) },
    ),
  ).rejects.toThrow('a dead letter was refused')
})

test('the token tells where a batch begins and ends', () => {
  expect(batchToken([good(4), good(5)])).toMatch(/^touchpoints:1:4:1:5:[0-9a-f]{32}$/)
})

test('the same offset of another partition has another token', () => {
  const record = good(5)
  const [one, other] = [1, 2].map((partition) => batchToken([good(4), { ...record, partition }]))
  expect(one?.slice(-32)).not.toBe(other?.slice(-32))
})

test('a recreated topic with other records at the same offsets has other tokens', () => {
  const before = batchToken([good(4), good(5)])
  const other = aRecord(5, codec.encode(aTouchpoint({ id: 'another' })))
  expect(batchToken([good(4), other])).not.toBe(before)
  expect(batchToken([good(4), good(5)])).toBe(before)
})
