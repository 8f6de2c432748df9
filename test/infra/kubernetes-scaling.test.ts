// What replicas follow is really there to be followed: groups and topics of the services' own code.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { writerSettings } from '../../services/clickhouse-writer/config'
import { topology } from '../../services/core/topology'
import { deadLettersTopic, topics } from '../../services/core/topics'
import { feeds } from '../../services/core/warehouse/feeds'
import { sinkSettings } from '../../services/erp-sink/config'
import { loadConfig } from '../../services/runtime/config'
import { streamProcessorSettings } from '../../services/stream-processor/config'
import { parseSettings } from '../../services/stream-processor/settings'
import { kustomizationOf, manifestsOf, settingsMaps, workloads } from '../support/manifests'

interface Scaling {
  readonly scaleTargetRef: { readonly kind: string; readonly name: string }
  readonly maxReplicaCount?: number
  readonly triggers?: readonly {
    readonly type: string
    readonly metadata: Readonly<Record<string, string>>
  }[]
}

const scaled = manifestsOf('autoscaling').map(({ spec }) => spec as Scaling)
const triggers = scaled.flatMap(({ scaleTargetRef, triggers: of = [] }) =>
  of.map(
    ({ metadata }) =>
      [
        `${scaleTargetRef.name} ${metadata.consumerGroup ?? ''} ${metadata.topic ?? ''}`,
        { service: scaleTargetRef.name, metadata },
      ] as const,
  ),
)
const partitions = Number(settingsMaps().get('provision-settings')?.PARTITIONS)

/** Per service and group the topics whose positions it commits. */
function committing(): Record<string, Record<string, string[]>> {
  const { ATTRIBUTION_SETTINGS } = loadConfig(
    { ATTRIBUTION_SETTINGS: streamProcessorSettings.ATTRIBUTION_SETTINGS },
    {},
  )
  const stages = Object.values(
    topology(parseSettings(readFileSync(ATTRIBUTION_SETTINGS, 'utf8'))),
  ).map(({ name, reads, loops }) => {
    const loop: { name: string }[] = loops === null ? [] : [loops]
    return [name, [...reads, ...loop].map((topic) => topic.name)]
  })
  const { CONSUMER_GROUP: writerGroup } = loadConfig(
    { CONSUMER_GROUP: writerSettings.CONSUMER_GROUP },
    {},
  )
  const { CONSUMER_GROUP: sinkGroup } = loadConfig(
    { CONSUMER_GROUP: sinkSettings.CONSUMER_GROUP },
    {},
  )
  const written = [...feeds.map(({ topic }) => topic.name), topics.orders.name]
  return {
    'stream-processor': Object.fromEntries(stages) as Record<string, string[]>,
    'clickhouse-writer': { [writerGroup]: [...written, deadLettersTopic.name] },
    // Of what else it reads it commits nothing: that is its memory, read from the beginning.
    'erp-sink': { [sinkGroup]: [topics.attributedOrders.name] },
  }
}

test.each(triggers)('%s: the lag is one that the service works off', (_name, trigger) => {
  const { consumerGroup = '', topic } = trigger.metadata
  expect(committing()[trigger.service]?.[consumerGroup]).toContain(topic)
})

test('groups and topics have the names that the settings give them', () => {
  for (const map of settingsMaps().values()) {
    expect(Object.keys(map)).not.toContain('TOPIC_PREFIX')
    expect(Object.keys(map)).not.toContain('CONSUMER_GROUP')
  }
})

test('every input of the stream processor is followed', () => {
  const followed = triggers.map(([, { service, metadata }]) =>
    [service, metadata.consumerGroup, metadata.topic].join(' '),
  )
  const inputs = Object.entries(committing()['stream-processor'] ?? {}).flatMap(([group, names]) =>
    names.map((name) => `stream-processor ${group} ${name}`),
  )
  expect(inputs.length).toBeGreaterThan(3)
  expect(followed).toEqual(expect.arrayContaining(inputs))
})

test.each(triggers)('%s: who asks knows the brokers from the settings', (_name, { metadata }) => {
  expect(settingsMaps().get('kafka')).toHaveProperty(metadata.bootstrapServersFromEnv ?? 'nothing')
})

test('what is told to the group every few seconds is no backlog', () => {
  const { HOUSEKEEPING_MS } = loadConfig(
    { HOUSEKEEPING_MS: streamProcessorSettings.HOUSEKEEPING_MS },
    settingsMaps().get('stream-processor-settings'),
  )
  const recordsPerSecond = 10_000
  for (const [, { service, metadata }] of triggers) {
    if (service !== 'stream-processor') continue
    expect(Number(metadata.lagThreshold)).toBeGreaterThanOrEqual(
      (recordsPerSecond * HOUSEKEEPING_MS) / 1000,
    )
  }
})

const lagging = scaled.filter((spec) => spec.triggers !== undefined)
test.each(lagging.map((spec) => [spec.scaleTargetRef.name, spec] as const))(
  '%s never has more processes than there are partitions',
  (service, { maxReplicaCount: most = Infinity }) => {
    expect(partitions).toBeGreaterThan(0)
    // One more writer compares the ledger.
    expect(service === 'clickhouse-writer' ? most + 1 : most).toBeLessThanOrEqual(partitions)
  },
)

test('whoever is scaled is there, and has no number of replicas of its own', () => {
  const targets = scaled.map(({ scaleTargetRef: { kind, name } }) => `${kind} ${name}`)
  const there = workloads().map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  expect(there).toEqual(expect.arrayContaining(targets))
  const freed = (kustomizationOf('autoscaling').patches ?? []).map(({ target, patch }) => {
    expect(parse(patch)).toEqual([{ op: 'remove', path: '/spec/replicas' }])
    return `${target.kind} ${target.name}`
  })
  expect(freed.sort()).toEqual(targets.sort())
})

test('where Kafka wants a login every trigger has one', () => {
  const [login] = manifestsOf('kafka-login')
  const authenticationRef = { name: login?.metadata.name }
  const expected = manifestsOf('autoscaling').flatMap(({ kind, metadata, spec }) =>
    ((spec as Scaling).triggers ?? []).map((_trigger, index) => ({
      target: { kind, name: metadata.name },
      ...{ op: 'add', path: `/spec/triggers/${index}/authenticationRef` },
      value: authenticationRef,
    })),
  )
  const added = (kustomizationOf('kafka-login').patches ?? []).flatMap(({ target, patch }) =>
    (parse(patch) as object[]).map((operation) => ({ target, ...operation })),
  )
  expect(added).toEqual(expected)
})
