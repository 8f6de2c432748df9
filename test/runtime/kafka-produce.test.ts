// What this process sends must be what kafkajs itself would have sent, byte for byte.
import fc from 'fast-check'
import Long from 'kafkajs/src/utils/long'
import type Encoder from 'kafkajs/src/protocol/encoder'
import produce, { type ProduceArguments } from 'kafkajs/src/protocol/requests/produce'
import { encodeProduce, installProduceEncoder } from '../../services/runtime/kafka-produce'

const ofKafkajs = produce.protocol({ version: 7 })

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'binary', maxLength: 40 })
const keyOrValue = fc.oneof(bytes, text, fc.constant(null))
const message = fc.record(
  {
    key: keyOrValue,
    value: keyOrValue,
    headers: fc.dictionary(text, fc.oneof(bytes, text, fc.array(text, { maxLength: 3 }))),
  },
  { requiredKeys: ['key', 'value'] },
)
const partition = fc.record(
  {
    partition: fc.nat(1_000),
    firstSequence: fc.nat(2 ** 31 - 1),
    messages: fc.array(message, { minLength: 1, maxLength: 200 }),
  },
  { requiredKeys: ['partition', 'messages'] },
)
const topic = fc.record({ topic: text, partitions: fc.array(partition, { maxLength: 3 }) })
const request: fc.Arbitrary<ProduceArguments> = fc.record(
  {
    transactionalId: fc.option(text),
    acks: fc.constantFrom(-1, 1),
    timeout: fc.nat(60_000),
    producerId: fc.maxSafeNat().map((id) => Long.fromValue(id)),
    producerEpoch: fc.nat(32_767),
    topicData: fc.array(topic, { maxLength: 3 }),
  },
  { requiredKeys: ['acks', 'timeout', 'topicData'] },
)

beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 10, 11), doNotFake: ['setImmediate', 'nextTick'] })
})

afterEach(() => {
  jest.useRealTimers()
})

test('a request is written as kafkajs writes it', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const theirs = (await ofKafkajs(given).request.encode()) as Encoder
      expect(encodeProduce(given).toString('hex')).toBe(theirs.buffer.toString('hex'))
    }),
    { numRuns: 300 },
  )
})

test('what is packed, or has times of its own, is left to kafkajs', async () => {
  installProduceEncoder()
  const ours = produce.protocol({ version: 7 })
  const messages = [{ key: 'a', value: 'b', timestamp: '1700000000000' }]
  const given = {
    acks: -1,
    timeout: 1,
    topicData: [{ topic: 't', partitions: [{ partition: 0, messages }] }],
  }
  const theirs = (await ofKafkajs(given).request.encode()) as Encoder
  const made = (await ours(given).request.encode()) as Encoder
  expect(made.buffer.toString('hex')).toBe(theirs.buffer.toString('hex'))
})
