import groupMessagesPerPartition from 'kafkajs/src/producer/groupMessagesPerPartition'
import type { RecordMetadata } from 'kafkajs'
import type { OutgoingRecord } from '../../services/runtime/kafka'
import { sendsOf } from '../../services/runtime/kafka-sends'

function record(topic: string, partition: number, key: string, bytes = 1): OutgoingRecord {
  return { topic, partition, key, value: Buffer.alloc(bytes) }
}

function answer(
  topicName: string,
  partition: number,
  { errorCode = 0, baseOffset = '0' } = {},
): RecordMetadata {
  return { topicName, partition, errorCode, baseOffset }
}

/** What kafkajs makes of them: keys by topic and partition. */
function sorted(records: readonly OutgoingRecord[]): string[][] {
  return sendsOf(records).map(({ messages }) =>
    messages.flatMap(({ topic, messages: of }) => {
      const byPartition = groupMessagesPerPartition({
        ...{ topic, messages: of, partitionMetadata: [{}] },
        partitioner: () => {
          throw new Error('it is sorted already')
        },
      })
      return Object.entries(byPartition).map(
        ([partition, some]) => `${topic}:${partition} ${some.map(({ key }) => key).join()}`,
      )
    }),
  )
}

test('kafkajs finds the records sorted into partitions, each in order', () => {
  const records = [
    ...[record('a', 1, '1'), record('b', 0, '2'), record('a', 1, '3')],
    ...[record('a', 0, '4'), record('b', 0, '5')],
  ]
  expect(sorted(records)).toEqual([['a:0 4', 'a:1 1,3', 'b:0 2,5']])
})

test('no batch of a partition is larger than a broker takes, and one large record is a batch', () => {
  const large = 600 * 1024
  const records = [
    ...[record('a', 0, '1', large), record('a', 1, '2', large), record('a', 0, '3', large)],
    ...[record('a', 0, '4', 2 * large), record('a', 0, '5')],
  ]
  expect(sorted(records)).toEqual([['a:0 1', 'a:1 2'], ['a:0 3'], ['a:0 4'], ['a:0 5']])
})

test('every partition must be acknowledged, once', () => {
  const [send] = sendsOf([record('a', 0, '1'), record('a', 1, '2')])
  const of =
    (...answers: RecordMetadata[]) =>
    () =>
      send?.assertCovered(answers)
  expect(of(answer('a', 0), answer('a', 1))).not.toThrow()
  expect(of(answer('a', 0))).toThrow('no acknowledgement for a:1')
  expect(of(answer('a', 0), answer('a', 1, { errorCode: 7 }))).toThrow('for a:1')
  expect(of(answer('a', 0), answer('a', 1), answer('a', 1))).toThrow('a:1 was written twice')
})

test('the next offset of a partition lies behind its records', () => {
  const [send] = sendsOf([record('a', 0, '1'), record('a', 3, '2'), record('a', 3, '3')])
  const next = new Map([['a:3', 7]])
  send?.noteNextOffsets(next, [
    answer('a', 0, { baseOffset: '4' }),
    answer('a', 3, { baseOffset: '9' }),
  ])
  expect(next).toEqual(
    new Map([
      ['a:0', 5],
      ['a:3', 11],
    ]),
  )
})
