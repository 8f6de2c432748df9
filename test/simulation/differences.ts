// Compares what a played history left in the output topics with what the oracle foresees, and what was written on
// the way with what must hold of every version.
import { isDeepStrictEqual } from 'node:util'
import { partitionOf } from '../../services/core/partition'
import type { AttributedOrder, JourneyEntry, Order, Touchpoint } from '../../services/core/records'
import { deadLetterHeaders, deadLettersTopic, topics } from '../../services/core/topics'
import { isReject } from '../../services/core/reject'
import { memoryCodec } from '../support/memory-stage'
import { inputsOf, type Input } from './history'
import { foresee, type Expected } from './oracle'
import { reservations } from './oracle-stock'
import type { Played } from './play'
import type { TrainedInput } from './trained-history'

/** What is wrong, a line each; empty when the history ended as it must. */
export function differences(played: Played): string[] {
  if (played.failure !== null) return [played.failure.stack ?? played.failure.message]
  const { rules, renewed } = played.history
  const inputs = inputsOf(played.history)
  const touchpoints = inputs.flatMap((input) =>
    'value' in input && input.topic === 'touchpoints' ? [input.value] : [],
  )
  const orders = inputs.flatMap((input) =>
    'value' in input && input.topic === 'orders' ? [input.value] : [],
  )
  const trained = inputs.flatMap((input) =>
    input.topic === 'trained-models' && !input.unfit ? [input.value] : [],
  )
  const expected = foresee({ touchpoints, orders, trained, ...(renewed ?? rules) })
  return [
    ...wrongOrders(played, expected),
    ...wrongVersions(played),
    ...wrongIdentities(played, expected),
    ...wrongFindings(played, expected),
    ...wrongStock(played),
    ...wrongDeadLetters(played),
    ...wrongState(played, expected),
  ]
}

function newestOf<Value extends { readonly version: number }>(
  written: readonly { readonly key: string; readonly value: Value }[],
): Map<string, Value> {
  const newest = new Map<string, Value>()
  for (const { key, value } of written) {
    const known = newest.get(key)
    if (known === undefined || value.version >= known.version) newest.set(key, value)
  }
  return newest
}

function wrongOrders(played: Played, { orders }: Expected): string[] {
  const found = newestOf(played.read(topics.attributedOrders))
  return [
    ...compareKeys('attributed order', found, orders),
    ...[...orders].flatMap(([key, order]) => {
      const attributed = found.get(key)
      if (attributed === undefined) return []
      const { version, cause, replaces, replaces_order, ...content } = attributed
      const run = [version, cause, replaces, replaces_order]
      // When a snapshot was accepted is a matter of the run.
      const withoutArrival = (of: Order): Order => ({ ...of, accepted_at: 0 })
      return compareFields(
        `order ${key} (${run.length} run columns)`,
        { ...content, order: withoutArrival(content.order) },
        { ...order, order: withoutArrival(order.order) },
      )
    }),
  ]
}

/** Each version is above the one before, and takes back exactly what that one credited. */
function wrongVersions(played: Played): string[] {
  const before = new Map<string, AttributedOrder>()
  return played.read(topics.attributedOrders).flatMap(({ key, value }) => {
    const last = before.get(key)
    before.set(key, value)
    const replaced =
      last === undefined
        ? null
        : {
            ...{ version: last.version, converted_at: last.converted_at },
            currency: last.order.currency,
          }
    return [
      ...(value.version > (last?.version ?? 0)
        ? []
        : [`order ${key}: version ${value.version} after ${last?.version ?? 0}`]),
      ...compareFields(
        `order ${key} version ${value.version}`,
        { replaces: value.replaces, replaces_order: value.replaces_order },
        { replaces: last?.credits ?? [], replaces_order: replaced },
      ),
    ]
  })
}

function wrongIdentities(played: Played, { identities }: Expected): string[] {
  const written = played.read(topics.identities)
  const found = newestOf(written)
  const versions = new Map<string, number>()
  const backwards = written.flatMap(({ key, value: { version } }) => {
    const last = versions.get(key) ?? 0
    versions.set(key, version)
    return version > last ? [] : [`identity ${key}: version ${version} after ${last}`]
  })
  const contents = [...identities].flatMap(([key, identity]) => {
    const said = found.get(key)
    if (said === undefined) return []
    return compareFields(`identity ${key}`, { ...said, version: 0 }, { ...identity, version: 0 })
  })
  return [...compareKeys('identity', found, identities), ...backwards, ...contents]
}

/** Each hub is found once. Who was contested for a time was rightly found, who is in the end must have been; likewise
 * an order of which a late snapshot was heard before one in time. */
function wrongFindings(played: Played, expected: Expected): string[] {
  const { hubs, contested, identities, orders, toldLate } = expected
  const written = played.read(topics.findings).map(({ value }) => value)
  const found = (kind: string): string[] =>
    written.filter((finding) => finding.kind === kind).map(({ subject }) => subject)
  const [foundHubs, foundContested] = [found('hub').sort(), new Set(found('contested'))]
  const foundLate = new Set(found('told_late'))
  const judged = new Set(['hub', 'contested', 'told_late'])
  const others = written.filter(({ kind }) => !judged.has(kind))
  return [
    ...(isDeepStrictEqual(foundHubs, [...hubs].sort())
      ? []
      : [`hubs found: ${foundHubs.join()}; expected: ${[...hubs].sort().join()}`]),
    ...[...contested].filter((one) => !foundContested.has(one)).map((one) => `${one} not found`),
    ...[...foundContested].filter((one) => !identities.has(one)).map((one) => `who is ${one}`),
    ...[...toldLate].filter((key) => !foundLate.has(key)).map((key) => `late ${key} not found`),
    ...[...foundLate].filter((key) => !orders.has(key)).map((key) => `late order ${key} unknown`),
    ...others.map(({ kind, subject }) => `finding ${kind} of ${subject}`),
  ]
}

function wrongStock(played: Played): string[] {
  // A snapshot in a foreign partition is a dead letter of this stage.
  const heard = inputsOf(played.history).flatMap((input) =>
    'value' in input &&
    input.topic === 'orders' &&
    partitionFor(input, played) === homeOf(input, played)
      ? [input.value]
      : [],
  )
  const expected = reservations(heard)
  const found = newestOf(played.read(topics.stockPositions))
  const reserved = new Map(
    [...found]
      .filter(([, { quantity }]) => quantity !== 0)
      .map(([key, { quantity, reason }]) => [key, { quantity, reason }]),
  )
  return [
    ...compareKeys('reservation', reserved, expected),
    ...[...expected].flatMap(([key, reservation]) =>
      compareFields(`reservation ${key}`, reserved.get(key) ?? {}, { ...reservation }),
    ),
  ]
}

type Valued = Exclude<Extract<Input, { value: unknown }>, TrainedInput>

function homeOf({ topic, value }: Valued, { history }: Played): number {
  const key = topic === 'orders' ? value.order_key : touchpointKeyOf(value)
  return partitionOf(Buffer.from(key), history.partitions)
}

function touchpointKeyOf({ identifiers, source, id }: Touchpoint): string {
  return identifiers[0] ?? `event:${source}:${id}`
}

function partitionFor(input: Valued, played: Played): number {
  return input.stray ?? homeOf(input, played)
}

/** Each record that cannot be processed is one dead letter of each stage that reads it, and no other is. */
function wrongDeadLetters(played: Played): string[] {
  const expected = [...unfitTrained(played), ...refusedInputs(played)]
  const found = played.broker.logsOf(deadLettersTopic.name).flatMap((log) =>
    log.committed().map(({ headers }) => {
      const of = (name: keyof typeof deadLetterHeaders): string =>
        headers[deadLetterHeaders[name]] ?? ''
      const place = `${of('topic')}:${of('partition')}:${of('offset')}`
      return `${of('stage')} ${place} ${of('reason')}`
    }),
  )
  return isDeepStrictEqual(found.sort(), expected.sort())
    ? []
    : [`dead letters: ${found.join('; ')}; expected: ${expected.join('; ')}`]
}

function unfitTrained({ history, broker }: Played): string[] {
  const unfit = new Set(
    inputsOf(history).flatMap((input) =>
      input.topic === 'trained-models' && input.unfit ? [input.value.version] : [],
    ),
  )
  const codec = memoryCodec('TrainedModel')
  return broker.logsOf(topics.trainedModels.name).flatMap((log) =>
    log.committed().flatMap(({ offset, value }) => {
      const model = codec.decode(value)
      if (isReject(model) || !unfit.has(model.version)) return []
      return [`journey ${topics.trainedModels.name}:${log.partition}:${offset} invalid`]
    }),
  )
}

function refusedInputs(played: Played): string[] {
  return ['touchpoints', 'orders'].flatMap((topic) =>
    played.broker.logsOf(topic).flatMap((log) =>
      log.committed().flatMap(({ offset, key, value }) => {
        const place = `${topic}:${log.partition}:${offset}`
        const unreadable = String(value) === 'not Avro'
        const stray =
          partitionOf(key ?? Buffer.from(''), played.history.partitions) !== log.partition
        return [
          ...(unreadable ? [`journey ${place} undecodable`] : []),
          ...(unreadable && topic === 'orders' ? [`stock ${place} undecodable`] : []),
          ...(!unreadable && stray && topic === 'orders' ? [`stock ${place} invalid`] : []),
        ]
      }),
    ),
  )
}

/** A root must know which of the identifiers in its sets are hubs: who they are seen with decides who is who. */
function wrongState(played: Played, { hubs }: Expected): string[] {
  const state = finalState(played)
  const known = new Map<string, string[]>()
  for (const [key, { hub }] of state) {
    const node = key.slice(0, key.indexOf(' '))
    if (hub !== null) known.set(node, [...(known.get(node) ?? []), hub])
  }
  return [...state].flatMap(([key, { evidence }]) => {
    const node = key.slice(0, key.indexOf(' '))
    return (evidence?.identifiers ?? [])
      .filter((one) => hubs.has(one) && known.get(node)?.includes(one) !== true)
      .map((one) => `${node} does not know that ${one} is a hub`)
  })
}

/** How many orders keep what they came to, since their touches have left. */
export function countFrozen(played: Played): number {
  const orders = [...finalState(played).values()].flatMap(({ order }) => order ?? [])
  return orders.filter(({ frozen }) => frozen !== null).length
}

/** How often an order was credited anew only because a trained model came. */
export function countRetrained(played: Played): number {
  return played.read(topics.attributedOrders).filter(({ value }) => value.cause === 'trained')
    .length
}

/** What the changelogs come to. The runtime's own marks have no space in their keys. */
function finalState({ broker }: Played): Map<string, JourneyEntry> {
  const codec = memoryCodec('JourneyEntry')
  const state = new Map<string, JourneyEntry>()
  for (const log of broker.logsOf(topics.journeyChangelog.name)) {
    for (const { key, value } of log.committed()) {
      const text = String(key)
      const entry = value === null || !text.includes(' ') ? null : codec.decode(value)
      if (entry === null) state.delete(text)
      else if (!isReject(entry)) state.set(text, entry)
    }
  }
  return state
}

function compareKeys(
  what: string,
  found: ReadonlyMap<string, unknown>,
  expected: ReadonlyMap<string, unknown>,
): string[] {
  return [
    ...[...expected.keys()]
      .filter((key) => !found.has(key))
      .map((key) => `${what} ${key} is missing`),
    ...[...found.keys()]
      .filter((key) => !expected.has(key))
      .map((key) => `${what} ${key} is too much`),
  ]
}

function compareFields(what: string, found: object, expected: object): string[] {
  const fields = new Set([...Object.keys(found), ...Object.keys(expected)])
  return [...fields].flatMap((field) => {
    const [is, ought] = [found, expected].map((of) => (of as Record<string, unknown>)[field])
    if (saysTheSame(is, ought)) return []
    return [`${what}: ${field} is\n  ${JSON.stringify(is)}\nand not\n  ${JSON.stringify(ought)}`]
  })
}

/** Equal but for prototypes and the order of fields: what Avro decodes has its own. */
function saysTheSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) =>
    saysTheSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  )
}
