import { letterFrom, type Letter } from '../../../services/core/dead-letters/letter'
import {
  firstOrigin,
  headersOfReplay,
  homePartition,
  isForAnother,
  isReplay,
  onlyNewestCounts,
} from '../../../services/core/dead-letters/replay'
import { partitionOf } from '../../../services/core/partition'
import { deadLetterHeaders, replayHeaders, topics } from '../../../services/core/topics'
import { anOrder, aTouchpoint } from '../../given'

function letterWith(headers: Record<string, string>): Letter {
  return letterFrom({
    offset: 5,
    key: null,
    value: null,
    timestampMs: 0,
    headers: {
      [deadLetterHeaders.topic]: 'orders',
      [deadLetterHeaders.partition]: '1',
      [deadLetterHeaders.offset]: '40',
      [deadLetterHeaders.stage]: 'stock',
      [deadLetterHeaders.reason]: 'invalid',
      [deadLetterHeaders.detail]: 'key: belongs to another partition than 1',
      ...headers,
    },
  })
}

test('a replay keeps the headers its record came with and is for the stage that refused it', () => {
  const headers = headersOfReplay(letterWith({ 'tributary-edge': 'boot:7' }))
  expect(headers).toEqual({
    'tributary-edge': 'boot:7',
    [replayHeaders.of]: 'orders:1:40:stock',
    [replayHeaders.for]: 'stock',
  })
  expect(isReplay(headers)).toBe(true)
  expect(isForAnother(headers, 'stock')).toBe(false)
  expect(isForAnother(headers, 'journey')).toBe(true)
})

test('what is no replay is for everybody', () => {
  expect(isReplay({})).toBe(false)
  expect(isForAnother({}, 'journey')).toBe(false)
})

test('a replay of what came back from a replay names the first letter', () => {
  const again = letterWith({
    [replayHeaders.of]: 'orders:1:17:stock',
    [replayHeaders.for]: 'stock',
  })
  expect(headersOfReplay(again)).toEqual({
    [replayHeaders.of]: 'orders:1:17:stock',
    [replayHeaders.for]: 'stock',
  })
  expect(firstOrigin(again)).toEqual({ topic: 'orders', partition: 1, offset: 17 })
  expect(firstOrigin(letterWith({}))).toEqual({ topic: 'orders', partition: 1, offset: 40 })
})

test('only the newest of a key is replayed into a compacted topic, and into the ERP', () => {
  expect(onlyNewestCounts(topics.stockPositions, 'clickhouse-writer')).toBe(true)
  expect(onlyNewestCounts(topics.attributedOrders, 'erp-sink')).toBe(true)
  expect(onlyNewestCounts(topics.attributedOrders, 'clickhouse-writer')).toBe(false)
  expect(onlyNewestCounts(topics.orders, 'stock')).toBe(false)
})

test('what stood in a foreign partition goes home', () => {
  const origin = { topic: 'any', partition: 9, offset: 0 }
  const order = anOrder()
  const touchpoint = aTouchpoint()
  const at = (key: string): number => partitionOf(Buffer.from(key), 64)
  const place = { origin, partitions: 64 }
  expect(homePartition(topics.orders, order, place)).toBe(at(order.order_key))
  expect(homePartition(topics.touchpoints, touchpoint, place)).toBe(at('visitor:v1'))
  expect(homePartition(topics.findings, {}, place)).toBe(9)
})
