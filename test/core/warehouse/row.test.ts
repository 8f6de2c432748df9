import fc from 'fast-check'
import { feeds } from '../../../services/core/warehouse/feeds'
import { attributedOrderRow } from '../../../services/core/warehouse/attributed-order-row'
import { deadLetterRow, touchpointRow } from '../../../services/core/warehouse/rows'
import { timeText } from '../../../services/core/warehouse/row'
import { precedenceOf } from '../../../services/core/touchpoint-precedence'
import { deadLetterHeaders, topics } from '../../../services/core/topics'
import { aLine, anOrder, aTouchpoint, evening } from '../../given'
import { anAttributedOrder, aCredit, nextVersion } from '../../support/attributed-order'

const coordinates = { topic: 'some-topic', partition: 3, offset: 41, timestampMs: evening }

test('a time is written in UTC to the millisecond', () => {
  expect(timeText(Date.UTC(2026, 10, 20, 12, 3, 4, 5))).toBe('2026-11-20 12:03:04.005')
})

test('a time is the one that the language itself would write, whichever came before it', () => {
  const before2100 = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) - 1 })
  fc.assert(
    fc.property(before2100, fc.integer({ min: -61_000, max: 61_000 }), (at, apart) => {
      for (const one of [at, Math.abs(at + apart)]) {
        expect(timeText(one)).toBe(new Date(one).toISOString().slice(0, -1).replace('T', ' '))
      }
    }),
  )
})

test('a row says where in Kafka its record stands, and leaves the time of writing to the table', () => {
  const row = touchpointRow(aTouchpoint(), coordinates)
  expect(row).toMatchObject({
    kafka_topic: 'some-topic',
    kafka_partition: 3,
    kafka_offset: 41,
    appended_at: '2026-11-20 12:00:00.000',
  })
  expect(row).not.toHaveProperty('written_at')
})

test('of touchpoints with one id the earliest accepted has the highest precedence', () => {
  const early = precedenceOf(aTouchpoint({ accepted_at: evening, channel: 'a' }))
  const late = precedenceOf(aTouchpoint({ accepted_at: evening + 1, channel: 'b' }))
  expect(early > late).toBe(true)
})

test('touchpoints accepted in one millisecond are told apart by content, whatever came first', () => {
  const first = precedenceOf(aTouchpoint({ channel: 'a' }))
  const second = precedenceOf(aTouchpoint({ channel: 'b' }))
  expect(first).not.toBe(second)
  expect(precedenceOf(aTouchpoint({ channel: 'a' }))).toBe(first)
})

test.each([0, evening, Date.UTC(2099, 11, 31)])(
  'a precedence fits 64 bits when accepted at %d',
  (acceptedAt) => {
    const precedence = precedenceOf(aTouchpoint({ accepted_at: acceptedAt }))
    expect(precedence >= 0n && precedence < 2n ** 64n).toBe(true)
  },
)

test.each([
  ['at', aTouchpoint({ at: Date.UTC(2100, 0, 1), accepted_at: evening })],
  ['accepted_at', aTouchpoint({ accepted_at: -1 })],
  ['sent_at', aTouchpoint({ sent_at: 8.64e15 })],
])('a touchpoint whose %s the warehouse cannot hold is rejected by name', (field, touchpoint) => {
  expect(touchpointRow(touchpoint, coordinates)).toEqual({
    rejected: 'invalid',
    detail: `${field} lies outside 1970 to 2100`,
  })
})

test('an order whose journey holds an impossible time is rejected by name', () => {
  const order = anAttributedOrder()
  const journey = order.journey.map((touch) => ({ ...touch, last_at: -5 }))
  expect(attributedOrderRow({ ...order, journey }, coordinates)).toEqual({
    rejected: 'invalid',
    detail: 'journey.last_at lies outside 1970 to 2100',
  })
})

test('an order version is one row with the credits it takes back', () => {
  const first = anAttributedOrder({ credits: [aCredit({ amount_minor: 10_000 })] })
  const second = nextVersion(first, { credits: [aCredit({ channel: 'wechat.group' })] })
  expect(attributedOrderRow(second, coordinates)).toMatchObject({
    order_key: 'douyin:shop:1',
    version: 2,
    converted_at: '2026-11-20 12:00:00.000',
    credits: [{ channel: 'wechat.group' }],
    replaces: [{ channel: 'douyin.video', amount_minor: 10_000 }],
    replaces_version: 1,
    replaces_converted_at: '2026-11-20 12:00:00.000',
    replaces_currency: 'CNY',
  })
})

test('an order that does not count yet has no conversion time and takes nothing back', () => {
  const unpaid = anAttributedOrder({ order: anOrder({ paid_at: null }), credits: [] })
  expect(attributedOrderRow(unpaid, coordinates)).toMatchObject({
    paid_at: null,
    converted_at: null,
    replaces: [],
    replaces_version: null,
    replaces_converted_at: null,
    replaces_currency: '',
  })
})

test('an order line without a claim has empty claim fields', () => {
  const claim = { channel: 'douyin.live', room: 'r1', streamer: 's1', video: '', promoter: '' }
  const order = anOrder({ lines: [aLine({ claim }), aLine({ line_id: '2' })] })
  expect(attributedOrderRow(anAttributedOrder({ order }), coordinates)).toMatchObject({
    lines: [
      { line_id: '1', claim_channel: 'douyin.live', claim_room: 'r1', claim_streamer: 's1' },
      { line_id: '2', claim_channel: '', claim_room: '', claim_streamer: '' },
    ],
  })
})

test('what the ERP needs of a buyer never reaches the warehouse', () => {
  const sealed = { key_id: 'k1', data: Buffer.from('sealed-bytes') }
  const order = anOrder({ sealed_buyer: sealed })
  expect(JSON.stringify(attributedOrderRow(anAttributedOrder({ order }), coordinates))).not.toMatch(
    /sealed|k1/,
  )
})

test('a dead letter keeps its origin, its reason and its bytes', () => {
  const headers = {
    [deadLetterHeaders.topic]: 'touchpoints',
    [deadLetterHeaders.partition]: '2',
    [deadLetterHeaders.offset]: '17',
    [deadLetterHeaders.stage]: 'journey',
    [deadLetterHeaders.reason]: 'undecodable',
    [deadLetterHeaders.detail]: 'truncated',
  }
  expect(deadLetterRow({ headers, key: 'a2V5', value: 'AAE=' }, coordinates)).toMatchObject({
    origin_topic: 'touchpoints',
    origin_partition: 2,
    origin_offset: 17,
    stage: 'journey',
    reason: 'undecodable',
    detail: 'truncated',
    record_key: 'a2V5',
    record_value: 'AAE=',
  })
})

test('a dead letter that does not say where it comes from is shown all the same', () => {
  const headers = { [deadLetterHeaders.offset]: 'seventeen' }
  expect(deadLetterRow({ headers, key: '', value: '' }, coordinates)).toMatchObject({
    origin_topic: '',
    origin_partition: -1,
    origin_offset: -1,
  })
})

test('only a snapshot is news of its order', () => {
  const feed = feeds.find(({ topic }) => topic === topics.attributedOrders)
  const order = anAttributedOrder()
  expect(feed?.acceptedAtOf(order)).toBe(order.order.accepted_at)
  expect(feed?.acceptedAtOf({ ...order, cause: 'merge' })).toBeNull()
})
