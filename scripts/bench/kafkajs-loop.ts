// Ceiling of the stream processor, as a process of its own: kafkajs as its manual shows it reads the same topics, and in
// transactions of the same size writes as many records of the same size as the processor does, messages to itself
// included. It decodes, keeps and thinks nothing, and like the processor it sends no offsets: its positions would be among
// what it writes.
import {
  Kafka,
  logLevel,
  Partitioners,
  type Message,
  type Producer,
  type TopicMessages,
} from 'kafkajs'
import { answerParent } from './child'

export interface LoopPlan {
  readonly brokers: readonly string[]
  readonly groupId: string
  readonly inputs: readonly string[]
  readonly partitions: number
  /** Of all inputs together. */
  readonly records: number
  readonly recordsPerTransaction: number
  readonly outputs: readonly LoopOutput[]
  /** Name among `outputs` of the one that is read again. */
  readonly loop: string
}

export interface LoopOutput {
  readonly topic: string
  readonly perInput: number
  readonly keyBytes: number
  readonly valueBytes: number
}

export interface LoopFigures {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly looped: number
}

interface Lane {
  readonly partition: number
  readonly producer: Producer
  /** Fractions of records still owed, by output. */
  readonly owed: number[]
  /** Topics of one partition share its producer and take turns. */
  turn: Promise<void>
}

async function loop(plan: LoopPlan): Promise<LoopFigures> {
  const kafka = new Kafka({
    ...{ brokers: [...plan.brokers], clientId: 'ceiling', logLevel: logLevel.ERROR },
    // Right after a commit the broker answers that the transaction is under way still.
    retry: { initialRetryTime: 15, retries: 20 },
  })
  const lanes = await Promise.all(
    Array.from({ length: plan.partitions }, async (_, partition): Promise<Lane> => {
      const producer = kafka.producer({
        ...{ transactionalId: `${plan.groupId}-${partition}`, idempotent: true },
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
      })
      await producer.connect()
      const owed = plan.outputs.map(() => 0)
      return { partition, producer, owed, turn: Promise.resolve() }
    }),
  )
  const payloads = plan.outputs.map(({ keyBytes, valueBytes }) => ({
    key: Buffer.alloc(keyBytes, 'k'),
    value: Buffer.alloc(valueBytes, 'v'),
  }))
  const consumer = kafka.consumer({
    ...{ groupId: plan.groupId, maxWaitTimeInMs: 50, maxBytesPerPartition: 1_048_576 },
  })
  let done = 0
  let looped = 0
  let began = 0
  let cpuBefore = process.cpuUsage()
  await consumer.connect()
  await consumer.subscribe({ topics: [...plan.inputs, plan.loop], fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    const run = consumer.run({
      ...{ autoCommit: false, partitionsConsumedConcurrently: 4 },
      eachBatch: async ({ batch }) => {
        if (began === 0) {
          began = performance.now()
          cpuBefore = process.cpuUsage()
        }
        const lane = lanes[batch.partition]
        if (lane === undefined) throw new Error(`no lane for partition ${batch.partition}`)
        const size = plan.recordsPerTransaction
        const isLoop = batch.topic === plan.loop
        for (let at = 0; at < batch.messages.length; at += size) {
          const inputs = Math.min(size, batch.messages.length - at)
          lane.turn = lane.turn.then(() => transact(plan, payloads, { lane, isLoop, inputs }))
          await lane.turn
          if (isLoop) looped += inputs
          else done += inputs
        }
        if (done >= plan.records) resolve()
      },
    })
    run.catch(reject)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      reject(payload.error)
    })
  })
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  await consumer.disconnect()
  for (const { producer } of lanes) await producer.disconnect()
  return { seconds, cpuSeconds: (user + system) / 1_000_000, looped }
}

interface Share {
  readonly lane: Lane
  readonly isLoop: boolean
  readonly inputs: number
}

async function transact(
  plan: LoopPlan,
  payloads: readonly Message[],
  { lane, isLoop, inputs }: Share,
): Promise<void> {
  const transaction = await lane.producer.transaction()
  if (!isLoop) {
    const topicMessages = outputsOf(plan, payloads, { lane, inputs })
    if (topicMessages.length > 0) await transaction.sendBatch({ acks: -1, topicMessages })
  }
  await transaction.commit()
}

function outputsOf(
  plan: LoopPlan,
  payloads: readonly Message[],
  { lane, inputs }: { lane: Lane; inputs: number },
): TopicMessages[] {
  return plan.outputs.flatMap(({ topic, perInput }, at) => {
    const owed = (lane.owed[at] ?? 0) + inputs * perInput
    const count = Math.floor(owed)
    lane.owed[at] = owed - count
    const { key = null, value = null } = payloads[at] ?? {}
    const messages = Array.from({ length: count }, () => ({
      ...{ key, value, partition: lane.partition },
    }))
    return count === 0 ? [] : [{ topic, messages }]
  })
}

answerParent(loop)
