import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { partitionOf } from '../../services/core/partition'

const partitions = 64
const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
  ...{ partitionId, leader: 1, partitionErrorCode: 0, replicas: [1], isr: [1] },
}))

test("a key lies where kafkajs's own partitioner puts it, given as bytes or as text", () => {
  const partitioner = Partitioners.DefaultPartitioner()
  const place = (key: string): number =>
    partitioner({ topic: 'any', partitionMetadata, message: { key, value: null } })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (any, ascii) => {
      for (const key of [any, ascii]) {
        expect(partitionOf(Buffer.from(key), partitions)).toBe(place(key))
        expect(partitionOf(key, partitions)).toBe(place(key))
      }
    }),
  )
})
