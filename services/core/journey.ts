// The journey stage: touchpoints and orders come in, nodes gather evidence by talking to one another, roots
// decide who is one person and attribute that person's orders.
import type { OrderSettings, RootEvidence } from './attribution/order-content'
import { settleOrders } from './attribution/settle-orders'
import { keepTrained, trainedNode } from './attribution/trained-models'
import { decidePersons } from './identity/decide'
import { evidenceOf } from './identity/evidence'
import { hearFarewell } from './identity/farewell'
import { forget, reset } from './identity/forget'
import { arrive, observeOrder, receive, type GatherLimits } from './identity/gather'
import {
  entriesOf,
  factTo,
  keys,
  nearKeys,
  type JourneyChange,
  type JourneyTurn,
} from './identity/journey-state'
import { kindOf, orderNode, partitionKeyOf, touchpointKey } from './identity/node'
import { settleIdentities } from './identity/settle-identities'
import { tendNode } from './identity/tend'
import type { Arrival, Fact, Touchpoint } from './records'
import { reject, type Reject } from './reject'
import { stage } from './stage'
import { tooOld } from './too-old'
import { topics } from './topics'

export interface JourneySettings {
  readonly orders: OrderSettings
  readonly gather: GatherLimits
}

/** The stage under given settings; its wiring is the same under all. */
export function journeyStage(settings: JourneySettings) {
  return stage({
    name: 'journey',
    reads: [topics.touchpoints, topics.orders, topics.trainedModels],
    loops: topics.journeyFacts,
    keeps: topics.journeyChangelog,
    writes: [topics.attributedOrders, topics.identities, topics.findings],
    nodeOf: (observation) => {
      switch (observation.topic) {
        case 'touchpoints':
          return touchpointKey(observation.value)
        case 'orders':
          return orderNode(observation.value.order_key)
        case 'journey-facts':
          return observation.value.to
        case 'trained-models':
          return trainedNode
      }
    },
    common: trainedNode,
    near: nearKeys,
    partitionKeyOf,
    redirect: ({ topic, value }, appendedAt) => {
      switch (topic) {
        case 'touchpoints':
          return factTo(touchpointKey(value), { arrival: arrivalOf(value) })
        case 'orders':
          return (
            tooOld(value, appendedAt) ?? factTo(orderNode(value.order_key), { snapshot: value })
          )
        case 'trained-models':
          return reject('invalid', 'a trained model is at home in every partition')
      }
    },
    step: (turn: JourneyTurn, observation) => {
      switch (observation.topic) {
        case 'touchpoints':
          arrive(turn, arrivalOf(observation.value), settings.gather)
          return undefined
        case 'orders': {
          const fault = tooOld(observation.value, turn.appendedAt)
          if (fault === undefined) observeOrder(turn, observation.value)
          return fault
        }
        case 'journey-facts':
          return hear(turn, observation.value, settings)
        case 'trained-models':
          return keepTrained(turn, observation.value)
      }
    },
    settle: (turn: JourneyTurn, changes: readonly JourneyChange[]) => {
      settleRoot(turn, changes, settings.orders)
    },
    tend: (turn: JourneyTurn, upkeep) => {
      tendNode(turn, upkeep, settlingOf(turn, settings.orders))
    },
    purges: (observation) => observation.topic === 'journey-facts' && isToForget(observation.value),
  })
}

function hear(turn: JourneyTurn, fact: Fact, settings: JourneySettings): Reject | undefined {
  const fault = fact.snapshot === null ? undefined : tooOld(fact.snapshot, turn.appendedAt)
  if (fault !== undefined) return fault
  if (fact.forget !== null) forget(turn, fact.forget, settlingOf(turn, settings.orders))
  else if (fact.reset !== null) reset(turn, fact.reset)
  else if (fact.farewell !== null) hearFarewell(turn, fact.farewell)
  else receive(turn, fact, settings.gather)
  return undefined
}

function isToForget({ forget: told, reset: heard }: Fact): boolean {
  return told !== null || (heard !== null && heard.forgotten.length > 0)
}

/** The evidence of a root is gathered when it is needed, and once. */
function settlingOf(turn: JourneyTurn, settings: OrderSettings) {
  let known: RootEvidence | null = null
  return { settings, root: () => (known ??= rootEvidence(turn)) }
}

function arrivalOf(touchpoint: Touchpoint): Arrival {
  return { touchpoint, declined: [], last: false }
}

/** A root says what has changed; a node that is none any more says nothing, its root will. Nor does an order
 * that still waits for its identifiers: each of them will take it over, or answer that it is a hub. */
function settleRoot(
  turn: JourneyTurn,
  changes: readonly JourneyChange[],
  settings: OrderSettings,
): void {
  if (turn.get(keys.head)?.head?.parent !== '') return
  const settling = settlingOf(turn, settings)
  const { root } = settling
  if (kindOf(turn.node) === 'order' && root().persons.personOf.size > 0) return
  const moved = changes.some(({ kind }) => kind === 'sets' || kind === 'forgotten')
  if (moved) settleIdentities(turn, root())
  settleOrders(turn, changes, settling)
}

function rootEvidence(turn: JourneyTurn): RootEvidence {
  const evidence = evidenceOf(turn)
  const hubs = new Set([...entriesOf(turn, 'b')].flatMap(({ hub }) => hub ?? []))
  const persons = decidePersons(
    evidence.map(({ identifiers }) => identifiers),
    hubs,
  )
  return { persons, evidence }
}
