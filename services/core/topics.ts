// The one catalogue of topics. Nothing else in the project spells a topic's name.
import type { RecordName, Records } from './records'

export interface Topic<Name extends string = string, Value extends RecordName = RecordName> {
  readonly name: Name
  /** Record of its values, registered under the subject `<name>-value`; null where values are raw bytes. */
  readonly record: Value
  /** Co-partitioned topics share one count, chosen once for an installation and never changed. */
  readonly partitions: 'shared' | 'one'
  readonly cleanup: 'delete' | 'compact'
  /** How long records are kept, where time decides; null keeps them until something else removes them. */
  readonly retentionMs: number | null
  /** What the key is, for people. */
  readonly key: string
}

export type ValueOf<T extends Topic> = Records[T['record']]

const dayMs = 86_400_000

/** Longer than any order is kept: whoever begins anew finds every trained model that an order may be due. */
const trainedKeptMs = 450 * dayMs

/** Longest time a touchpoint or an order can lie unread in its topic. */
export const inputsKeptMs = 14 * dayMs

function topic<const Name extends string, const Value extends RecordName>(
  name: Name,
  record: Value,
  rest: Omit<Topic, 'name' | 'record'>,
): Topic<Name, Value> {
  return { name, record, ...rest }
}

const shared = { partitions: 'shared' } as const
const compacted = { ...shared, cleanup: 'compact', retentionMs: null } as const
/** Few records, which nothing processes by key: one partition keeps them in the order in which they came. */
const listed = { ...compacted, partitions: 'one' } as const

export const topics = {
  touchpoints: topic('touchpoints', 'Touchpoint', {
    ...shared,
    cleanup: 'delete',
    retentionMs: inputsKeptMs,
    key: 'strongest identifier, or event:source:id',
  }),
  orders: topic('orders', 'Order', {
    ...shared,
    cleanup: 'delete',
    retentionMs: inputsKeptMs,
    key: 'order key platform:shop:order_id',
  }),
  journeyFacts: topic('journey-facts', 'Fact', {
    ...shared,
    cleanup: 'delete',
    retentionMs: null,
    key: 'node: identifier or order key',
  }),
  journeyChangelog: topic('journey-changelog', 'JourneyEntry', { ...compacted, key: 'state key' }),
  stockChangelog: topic('stock-changelog', 'StockEntry', { ...compacted, key: 'state key' }),
  /** What orders are credited by under the data-driven models; each partition holds a copy. */
  trainedModels: topic('trained-models', 'TrainedModel', {
    ...shared,
    cleanup: 'delete',
    retentionMs: trainedKeptMs,
    key: 'model and version',
  }),
  /** The same in full: what each was computed from, and what it says of each channel. */
  modelTrainings: topic('model-trainings', 'ModelTraining', {
    partitions: 'one',
    cleanup: 'delete',
    retentionMs: trainedKeptMs,
    key: 'model and version',
  }),
  identities: topic('identities', 'Identity', { ...compacted, key: 'identifier' }),
  attributedOrders: topic('attributed-orders', 'AttributedOrder', {
    ...shared,
    cleanup: 'delete',
    retentionMs: 90 * dayMs,
    key: 'order key',
  }),
  stockPositions: topic('stock-positions', 'StockPosition', {
    ...compacted,
    key: 'order key|SKU, and |warehouse where there is one',
  }),
  erpDeliveries: topic('erp-deliveries', 'ErpDelivery', { ...compacted, key: 'document key' }),
  findings: topic('findings', 'Finding', {
    ...shared,
    cleanup: 'delete',
    retentionMs: 90 * dayMs,
    key: 'subject',
  }),
  /** What became of dead letters; longer there than the letters themselves. */
  deadLetterOutcomes: topic('dead-letter-outcomes', 'DeadLetterOutcome', {
    partitions: 'one',
    cleanup: 'delete',
    retentionMs: 180 * dayMs,
    key: 'id of the dead letter',
  }),
  liveSessions: topic('live-sessions', 'LiveSession', { ...listed, key: 'platform:room:session' }),
  adSpend: topic('ad-spend', 'AdSpend', { ...listed, key: 'source:id' }),
  productCosts: topic('product-costs', 'ProductCost', {
    ...listed,
    key: 'sku:currency:valid_from in epoch ms',
  }),
  skuMappings: topic('sku-mappings', 'SkuMapping', {
    ...listed,
    key: 'platform:shop:platform_sku',
  }),
  stockLevels: topic('stock-levels', 'StockLevel', { ...listed, key: 'sku:warehouse' }),
} as const

/** A record and where it goes. */
export type Placed<T extends Topic> = T extends Topic
  ? { readonly topic: T; readonly key: string; readonly value: ValueOf<T> }
  : never

/** Whether a record goes to this topic. */
export function goesTo<T extends Topic>(
  placed: { readonly topic: Topic },
  topic: T,
): placed is Placed<T> {
  return placed.topic.name === topic.name
}

/** Holds the original bytes of what could not be processed; headers say where it came from and why. */
export const deadLettersTopic = {
  name: 'dead-letters',
  partitions: 'one',
  cleanup: 'delete',
  retentionMs: 90 * dayMs,
  key: 'original key',
} as const

/** Names of the headers of a dead letter. */
export const deadLetterHeaders = {
  topic: 'tributary-topic',
  partition: 'tributary-partition',
  offset: 'tributary-offset',
  stage: 'tributary-stage',
  reason: 'tributary-reason',
  detail: 'tributary-detail',
} as const

/** Names of the headers of a dead letter that an operator has sent through its topic again. */
export const replayHeaders = {
  /** Id of the first dead letter of the record. */
  of: 'tributary-replay-of',
  /** The one stage or service that takes it; all others have had the record. */
  for: 'tributary-replay-for',
} as const

/** Subject under which a stage's changelog registers the runtime's own marks. */
export function markSubject(changelog: Topic): string {
  return `${changelog.name}-mark`
}
