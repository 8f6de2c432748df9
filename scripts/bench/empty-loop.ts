// Ceiling of freshness, in a process of its own: kafkajs reads touchpoints, and the client inserts what came, with no logic
// at all: no decoding, no keys, no exactly once. Answers once it reads.
import { createClient } from '@clickhouse/client'
import { Kafka, logLevel } from 'kafkajs'
import { answerParent } from './child'

export interface EmptyLoopPlan {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly url: string
  readonly database: string
  /** With the columns id and value. */
  readonly table: string
}

async function loop({ brokers, topic, url, database, table }: EmptyLoopPlan): Promise<boolean> {
  const client = createClient({ url, database })
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}.empty-loop`, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => {
      resolve()
    })
  })
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch }) => {
      const values = batch.messages.map(({ key, value }) => ({
        ...{ id: String(key), value: value?.toString('base64') ?? '' },
      }))
      await client.insert({ table, values, format: 'JSONEachRow' })
    },
  })
  await joined
  return true
}

answerParent(loop)
