// What kafkajs's producers do to us when the way to the broker fails, and what ours do about it. Each of these
// promises is broken without its guard in services/runtime/kafka-producer.ts or kafka-client.ts.
import { startFaultProxy } from '../../infra/local/fault-proxy'
import { mentions, setTrap } from '../../infra/local/kafka-trap'
import { kafkaApi, type Verdict } from '../../infra/local/kafka-wire'
import type { ProducerOptions } from '../../services/runtime/kafka'
import type { Producer, TransactionalProducer } from '../../services/runtime/kafka-producer'
import { brokerAddress, clientOf, FaultyKafka } from '../support/faulty-kafka'
import { spreadOverNodes } from '../support/spread-over-nodes'
import { until } from '../support/until'

let faulty: FaultyKafka

beforeEach(async () => {
  faulty = await FaultyKafka.open(2)
})

afterEach(async () => {
  await faulty.close()
})

const quick: ProducerOptions = { requestMs: 1_000, retries: 3 }

async function producer(options = quick): Promise<Producer> {
  return faulty.closing(await faulty.kafka.connectProducer(options))
}

async function transactional(): Promise<TransactionalProducer> {
  return faulty.closing(
    await faulty.kafka.connectTransactionalProducer({
      transactionalId: faulty.topic,
      transactionTimeoutMs: 30_000,
    }),
  )
}

test('a batch whose answer was lost is written once when the send is tried again', async () => {
  const sender = await producer()
  const lost = setTrap(faulty.proxy, { api: kafkaApi.produce, at: 'response', verdict: 'cut' })
  await sender.send([faulty.record('a')])
  expect(lost.sprung()).toBe(1)
  expect(await faulty.contents()).toEqual(['a'])
})

test('after a send that failed although it was stored, another batch is not taken for it', async () => {
  const sender = await producer()
  const lost = setTrap(faulty.proxy, {
    ...{ api: kafkaApi.produce, at: 'response', verdict: 'cut' },
    times: Infinity,
  })
  await expect(sender.send([faulty.record('a')])).rejects.toThrow(/kafka/)
  expect(lost.sprung()).toBe(1 + quick.retries)
  lost.remove()
  await sender.send([faulty.record('b')])
  expect(await faulty.contents()).toEqual(['a', 'b'])
  expect(faulty.guards).toContain('producer_replaced')
})

test('two sends at once are both written, once each, though the answer to the first was lost', async () => {
  const sender = await producer()
  setTrap(faulty.proxy, { api: kafkaApi.produce, at: 'response', verdict: 'cut' })
  await Promise.all([sender.send([faulty.record('a')]), sender.send([faulty.record('b')])])
  expect(await faulty.contents()).toEqual(['a', 'b'])
})

/** A send to two nodes, of which the second fails when the first has answered; then `leaders` lead the partitions. */
async function sendWhileLeadersMove(
  leaders: readonly [number, number],
  then: (sender: Producer, sending: Promise<void>) => Promise<void>,
): Promise<void> {
  const { host, port } = brokerAddress()
  const other = await startFaultProxy({ upstream: { host, port }, protocol: 'kafka' })
  const spread = { topic: faulty.topic, ports: [faulty.proxy.port, other.port] }
  const first = spreadOverNodes(faulty.proxy, { ...spread, leaders: [1, 2] })
  spreadOverNodes(other, { ...spread, leaders })
  const sender = await clientOf(faulty.proxy.address).connectProducer(quick)
  setTrap(other, {
    ...{ api: kafkaApi.produce, at: 'request' },
    verdict: async (): Promise<Verdict> => {
      await until(() => first.answered > 0)
      first.leaders = leaders
      return 'cut'
    },
  })
  await then(sender, sender.send([faulty.record('a', 0), faulty.record('b', 1)]))
  await sender.close()
  await other.close()
}

test('a send is not acknowledged when a partition moves to a node that has answered already', () =>
  sendWhileLeadersMove([1, 1], async (sender, sending) => {
    await expect(sending).rejects.toThrow(`no acknowledgement for ${faulty.topic}:1`)
    // The caller tries again: all are there now, the first once more.
    await sender.send([faulty.record('a', 0), faulty.record('b', 1)])
    expect([await faulty.contents(0), await faulty.contents(1)]).toEqual([['a', 'a'], ['b']])
  }))

test('a send is not acknowledged when a partition was written on its old and its new leader', () =>
  sendWhileLeadersMove([2, 2], async (_, sending) => {
    await expect(sending).rejects.toThrow(`${faulty.topic}:0 was written twice`)
    expect(await faulty.contents(0)).toEqual(['a', 'a'])
  }))

test('a producer is replaced before its sequences end', async () => {
  const sender = await producer({ ...quick, recordsMax: 10 })
  let producers = 0
  faulty.proxy.intercept({
    request: ({ api }) => {
      if (api === kafkaApi.initProducerId) producers += 1
      return 'pass'
    },
  })
  const six = Array.from({ length: 6 }, (_, at) => `${at}`)
  for (let round = 0; round < 3; round += 1) {
    await sender.send(six.map((value) => faulty.record(value)))
  }
  expect(producers).toBe(2)
  expect(await faulty.contents()).toEqual([...six, ...six, ...six])
})

test('a transactional producer that has sent much asks to be replaced by whoever owns the state', async () => {
  const sender = faulty.closing(
    await faulty.kafka.connectTransactionalProducer({
      ...{ transactionalId: faulty.topic, transactionTimeoutMs: 30_000, recordsMax: 1 },
    }),
  )
  await sender.transact([faulty.record('a'), faulty.record('b')])
  await expect(sender.transact([faulty.record('c')])).rejects.toThrow('2 records sent')
  await (await transactional()).transact([faulty.record('c')])
  expect(await faulty.contents()).toEqual(['a', 'b', 'c'])
})

test('a commit whose answer was lost is an error, holds, and is the last thing its producer did', async () => {
  const first = await transactional()
  setTrap(faulty.proxy, { api: kafkaApi.endTransaction, at: 'response', verdict: 'cut' })
  await expect(first.transact([faulty.record('a')])).rejects.toThrow(/kafka/)
  await expect(first.transact([faulty.record('b')])).rejects.toThrow('used up')
  await (await transactional()).transact([faulty.record('c')])
  expect(await faulty.contents()).toEqual(['a', 'c'])
})

test('a commit that never reached the broker is an error, and the next producer undoes it', async () => {
  const first = await transactional()
  setTrap(faulty.proxy, { api: kafkaApi.endTransaction, at: 'request', verdict: 'cut' })
  await expect(first.transact([faulty.record('a')])).rejects.toThrow(/kafka/)
  await (await transactional()).transact([faulty.record('b')])
  expect(await faulty.contents()).toEqual(['b'])
})

test('a transaction of which a send failed cannot be committed', async () => {
  const sender = await transactional()
  const transaction = await sender.begin()
  await transaction.send([faulty.record('a')])
  setTrap(faulty.proxy, {
    ...{ api: kafkaApi.produce, at: 'request', verdict: 'cut' },
    when: mentions(faulty.topic),
    times: Infinity,
  })
  await expect(transaction.send([faulty.record('b')])).rejects.toThrow(/kafka/)
  await faulty.proxy.pass()
  await expect(transaction.commit()).rejects.toThrow('used up')
  await (await transactional()).transact([faulty.record('c')])
  expect(await faulty.contents()).toEqual(['c'])
})

test('a send goes on over a new connection when the old one is half-open', async () => {
  const sender = await producer()
  await sender.send([faulty.record('a')])
  faulty.proxy.stall()
  const sending = sender.send([faulty.record('b')])
  await until(() => faulty.guards.includes('connection_cut'))
  await faulty.proxy.pass()
  await sending
  expect(await faulty.contents()).toEqual(['a', 'b'])
})

test('a producer can be closed while the broker is silent and owes it an answer', async () => {
  const sender = await transactional()
  const transaction = await sender.begin()
  const swallowed = setTrap(faulty.proxy, {
    ...{ api: kafkaApi.addPartitionsToTransaction, at: 'request', verdict: 'swallow' },
  })
  const sending = transaction.send([faulty.record('a')])
  const failed = expect(sending).rejects.toThrow(/kafka/)
  await until(() => swallowed.sprung() === 1)
  const askedMs = Date.now()
  await sender.close()
  await failed
  // The answer would be given up after 10 s only.
  expect(Date.now() - askedMs).toBeLessThan(8_000)
})
