// Attribution at a root: which of its orders a batch has touched, what each comes to now, and a new version
// where that differs from what was said last.
import assert from 'node:assert/strict'
import { digestOf } from '../digest'
import { compareEvidence, precedes } from '../identity/gather'
import { entriesOf, entryOf, keys, touchesFrom } from '../identity/journey-state'
import type { JourneyChange, JourneyTurn } from '../identity/journey-state'
import { orderNode } from '../identity/node'
import { ownerOf, ownerOfOrder, type Persons } from '../identity/decide'
import type { AttributedOrder, Evidence, OrderEntry, ReplacedOrder, Touchpoint } from '../records'
import { topics } from '../topics'
import { attribute, conversionTime } from './attribute'
import type { EarlierOrder } from './journey'
import { longestWindowMs, settingsAt, type AttributionSettings } from './settings'

export interface OrderSettings {
  readonly attribution: readonly AttributionSettings[]
  /** Raised by a rebuild, so that its versions replace all earlier ones. */
  readonly generation: number
}

/** What the root knows of all its orders' persons. */
export interface RootEvidence {
  readonly persons: Persons
  readonly evidence: readonly Evidence[]
}

const evidenceShownMax = 50
const versionsPerGeneration = 2 ** 32

export function settleOrders(
  turn: JourneyTurn,
  changes: readonly JourneyChange[],
  { settings, root }: { settings: OrderSettings; root: () => RootEvidence },
): void {
  const orders = [...entriesOf(turn, 'o')].flatMap(({ order }) => order ?? [])
  const affected = orders.filter((entry) => isAffected(entry, changes, settings))
  if (affected.length === 0) return
  const { persons, evidence } = root()
  const cause = causeOf(changes)
  for (const entry of affected) {
    const content = contentOf(turn, entry, { orders, persons, evidence, settings })
    emitIfChanged(turn, entry, { content, cause, settings })
  }
}

function causeOf(changes: readonly JourneyChange[]): string {
  if (changes.some(({ kind }) => kind === 'sets')) return 'merge'
  return changes.some(({ kind }) => kind === 'order') ? 'snapshot' : 'touch'
}

/** New evidence concerns every order; a touch those it may precede; an order itself and, where orders reset
 * journeys, the others. */
function isAffected(
  entry: OrderEntry,
  changes: readonly JourneyChange[],
  settings: OrderSettings,
): boolean {
  const at = referenceTime(entry, settings)
  const applied = settingsAt(settings.attribution, at)
  return changes.some((change) => {
    switch (change.kind) {
      case 'sets':
        return true
      case 'touch':
        return change.at <= at && change.at >= at - longestWindowMs(applied)
      case 'order':
        // Where orders reset journeys, one that moved in time concerns those after its old place and its new.
        return change.orderKey === entry.order.order_key || applied.repeat_orders !== 'none'
    }
  })
}

/** When an order converted, or was created while it has not. */
function referenceTime({ order }: OrderEntry, { attribution }: OrderSettings): number {
  const applied = settingsAt(attribution, order.paid_at ?? order.created_at)
  return conversionTime(order, applied) ?? order.created_at
}

type Content = Omit<AttributedOrder, 'version' | 'cause' | 'replaces' | 'replaces_order'>

interface RootView extends RootEvidence {
  readonly orders: readonly OrderEntry[]
  readonly settings: OrderSettings
}

function contentOf(turn: JourneyTurn, entry: OrderEntry, view: RootView): Content {
  const { persons, settings } = view
  const { order } = entry
  const person = ownerOfOrder(orderNode(order.order_key), entry.identifiers, persons)
  const at = referenceTime(entry, settings)
  const applied = settingsAt(settings.attribution, at)
  const owners = new Set([person, ...entry.identifiers.filter((id) => persons.contested.has(id))])
  const attribution = attribute({
    order,
    touches: touchesOf(turn, { owners, persons, at, applied }),
    earlierOrders: earlierOrders(entry, person, view),
    settings: applied,
  })
  const identifiers = [...persons.personOf].filter(([, of]) => of === person).map(([id]) => id)
  const own = new Set(identifiers)
  return {
    order,
    person,
    person_identifiers: identifiers.sort(),
    evidence: view.evidence
      .filter(({ identifiers: set }) => set.length > 1 && set.some((one) => own.has(one)))
      .slice(0, evidenceShownMax),
    settings: applied.name,
    ...attribution,
  }
}

interface TouchQuery {
  /** Persons whose touches belong to the order: its own, and contested identifiers the order itself names. */
  readonly owners: ReadonlySet<string>
  readonly persons: Persons
  readonly at: number
  readonly applied: AttributionSettings
}

/** The latest touches within the longest window, each (source, id) once: the earliest accepted of its kind. */
function touchesOf(turn: JourneyTurn, { owners, persons, at, applied }: TouchQuery): Touchpoint[] {
  const found = new Map<string, Touchpoint>()
  const from = touchesFrom(at - longestWindowMs(applied))
  for (const [, { touch }] of turn.range(from, `${touchesFrom(at)}}`, true)) {
    assert(touch !== null)
    const owner = ownerOf(touch.identifiers, persons)
    if (owner === undefined || !owners.has(owner)) continue
    const key = `${touch.source} ${touch.id}`
    const known = found.get(key)
    if (known !== undefined) {
      if (precedes(touch, known)) found.set(key, touch)
    } else if (found.size < applied.touches_considered_max) {
      found.set(key, touch)
    } else {
      break
    }
  }
  return [...found.values()]
}

function earlierOrders(entry: OrderEntry, person: string, view: RootView): EarlierOrder[] {
  const at = referenceTime(entry, view.settings)
  return view.orders.flatMap((other) => {
    const { order, identifiers } = other
    const applied = settingsAt(view.settings.attribution, order.paid_at ?? order.created_at)
    const convertedAt = conversionTime(order, applied)
    if (other === entry || convertedAt === null || convertedAt >= at) return []
    if (ownerOfOrder(orderNode(order.order_key), identifiers, view.persons) !== person) return []
    return [{ convertedAt, skus: order.lines.map(({ sku }) => sku) }]
  })
}

function emitIfChanged(
  turn: JourneyTurn,
  entry: OrderEntry,
  { content, cause, settings }: { content: Content; cause: string; settings: OrderSettings },
): void {
  const digest = digestOf(JSON.stringify(withoutArrival(content)))
  if (digest === entry.digest) return
  const version = Math.max(entry.version, settings.generation * versionsPerGeneration) + 1
  const emitted: ReplacedOrder = {
    version,
    converted_at: content.converted_at,
    currency: content.order.currency,
  }
  const { order_key: orderKey } = entry.order
  turn.put(
    keys.order(orderKey),
    entryOf({ order: { ...entry, version, digest, credits: content.credits, emitted } }),
  )
  turn.emit(topics.attributedOrders, orderKey, {
    ...content,
    version,
    cause,
    replaces: entry.credits,
    replaces_order: entry.emitted,
  })
}

/** Accepted times are run columns: the same order delivered twice is no change. */
function withoutArrival(content: Content): unknown {
  const { sealed_buyer: sealed, ...order } = content.order
  return {
    ...content,
    order: { ...order, accepted_at: 0, sealed: sealed === null ? null : [...sealed.data].join() },
  }
}

/** Evidence of all sets a root holds, touches' and orders', each set once with its earliest record. */
export function evidenceOf(turn: JourneyTurn): Evidence[] {
  const bySet = new Map<string, Evidence>()
  const add = (evidence: Evidence): void => {
    const key = evidence.identifiers.join(' ')
    const known = bySet.get(key)
    if (known === undefined || compareEvidence(evidence, known) < 0) bySet.set(key, evidence)
  }
  for (const { evidence } of entriesOf(turn, 'e')) if (evidence !== null) add(evidence)
  for (const { order } of entriesOf(turn, 'o')) {
    if (order === null || order.identifiers.length === 0) continue
    const { order_key: id, created_at: at } = order.order
    add({ identifiers: order.identifiers, source: 'order', id, at })
  }
  return [...bySet.values()].sort(
    (a, b) => compareEvidence(a, b) || (a.identifiers.join(' ') < b.identifiers.join(' ') ? -1 : 1),
  )
}
