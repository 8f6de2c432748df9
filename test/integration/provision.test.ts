// What provisioning does to topics that are there already, on the real broker.
import { topics } from '../../services/core/topics'
import type { KafkaAdmin } from '../../services/runtime/kafka-admin'
import { provision, topicSpecifications } from '../../services/runtime/provision'
import { TestBroker } from '../support/broker'
import { stackFromEnvironment } from '../support/stack'

let broker: TestBroker
let admin: KafkaAdmin

beforeEach(async () => {
  broker = new TestBroker(stackFromEnvironment())
  admin = await broker.admin()
})

afterEach(async () => {
  await broker.close()
})

function provisioned() {
  const { prefix, partitions, registry } = broker
  return provision({ admin, registry, prefix, partitions })
}

test('a topic of an earlier version is given what it lacks, and keeps what an operator has set', async () => {
  const { prefix, partitions } = broker
  const name = prefix + topics.touchpoints.name
  const theirs = { 'retention.ms': '86400000', 'min.insync.replicas': '1' }
  const earlier = topicSpecifications({ prefix, partitions }).map((one) => {
    if (one.name !== name) return one
    const configuration = Object.entries({ ...one.configuration, ...theirs })
    const known = configuration.filter(([setting]) => setting !== 'segment.ms')
    return { ...one, configuration: Object.fromEntries(known) }
  })
  await admin.createTopics(earlier)
  expect(await provisioned()).toMatchObject({ created: [], completed: [name] })
  expect(await admin.configurationOf(name)).toMatchObject({
    ...theirs,
    'segment.ms': '86400000',
    'message.timestamp.type': 'LogAppendTime',
  })
  expect(await provisioned()).toMatchObject({ created: [], completed: [] })
})

test('a new installation has every topic, and provisioning it again changes nothing', async () => {
  const { prefix, partitions } = broker
  const all = topicSpecifications({ prefix, partitions }).map(({ name }) => name)
  expect(await provisioned()).toMatchObject({ created: all, completed: [] })
  expect(await provisioned()).toMatchObject({ created: [], completed: [] })
})
