// What an order comes to at its root: whose it is, which touches led to it, and how its money is split.
import assert from 'node:assert/strict'
import { ownerOf, ownerOfOrder, type Persons } from '../identity/decide'
import { precedes } from '../identity/gather'
import { touchesFrom, type JourneyTurn } from '../identity/journey-state'
import { orderNode } from '../identity/node'
import type { AttributedOrder, Evidence, FrozenCredits, OrderEntry, Touchpoint } from '../records'
import { appliedTo, windowOf, type AppliedSettings } from './applied-settings'
import { attribute, attributeFrozen, conversionTime, type Attribution } from './attribute'
import type { EarlierOrder } from './journey'
import type { AttributionSettings } from './settings'
import { touchesCountFrom } from './told'
import { trainedAt, trainedFor } from './trained-models'

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

export interface RootView extends RootEvidence {
  readonly orders: readonly OrderEntry[]
  readonly settings: OrderSettings
}

/** An attributed order but for what tells one version from another. */
export type OrderContent = Omit<
  AttributedOrder,
  'version' | 'cause' | 'replaces' | 'replaces_order'
>

const evidenceShownMax = 50

export function orderContent(turn: JourneyTurn, entry: OrderEntry, view: RootView): OrderContent {
  const { order } = entry
  const person = ownerOfOrder(orderNode(order.order_key), entry.identifiers, view.persons)
  const identifiers = [...view.persons.personOf].filter(([, of]) => of === person).map(([id]) => id)
  const own = new Set(identifiers)
  return {
    order,
    person,
    person_identifiers: identifiers.sort(),
    evidence: view.evidence
      .filter(({ identifiers: set }) => set.length > 1 && set.some((one) => own.has(one)))
      .slice(0, evidenceShownMax),
    ...attributionOf(turn, entry, { ...view, person }),
  }
}

/** How an order's money is split: from its touches, or once those have left the store as it was then. An order
 * that had not converted then is judged by what there is when it does. */
export function attributionOf(
  turn: JourneyTurn,
  entry: OrderEntry,
  view: RootView & { readonly person: string },
): Attribution & { readonly settings: string } {
  const { persons, settings, person } = view
  const { order } = entry
  const applied = appliedTo(order, settings.attribution)
  const frozen = frozenFor(entry, applied)
  if (frozen !== null) {
    return { settings: frozen.settings, ...attributeFrozen(order, frozen, applied.settings) }
  }
  const attribution = attribute({
    order,
    touches: touchesOf(turn, {
      owners: touchOwners(entry, person, persons),
      ...{ persons, applied, acceptedFrom: touchesCountFrom(entry, applied) },
    }),
    earlierOrders: earlierOrders(entry, { person, at: applied.at, view }),
    trained: (model) => trainedAt(turn, model, applied.at),
    settings: applied.settings,
  })
  return { settings: applied.settings.name, ...attribution }
}

/** Whether the trained models that an order is due are others than those it was last credited by. */
export function isDueTrained(
  turn: JourneyTurn,
  entry: OrderEntry,
  { attribution }: OrderSettings,
): boolean {
  if (entry.version === 0) return false
  const frozen = frozenFor(entry, appliedTo(entry.order, attribution))
  const due = frozen?.trained ?? trainedFor(turn, entry.order, attribution)
  const models = Object.keys(due)
  if (models.length !== Object.keys(entry.trained).length) return true
  return models.some((model) => due[model] !== entry.trained[model])
}

/** What holds for an order whose touches have left, once it had converted or as long as it has not. */
function frozenFor({ order, frozen }: OrderEntry, applied: AppliedSettings): FrozenCredits | null {
  if (frozen === null || frozen.converted_at !== null) return frozen
  return conversionTime(order, applied.settings) === null ? frozen : null
}

/** Persons whose touches belong to an order: its own, and contested identifiers the order itself names. */
export function touchOwners(entry: OrderEntry, person: string, persons: Persons): Set<string> {
  return new Set([person, ...entry.identifiers.filter((id) => persons.contested.has(id))])
}

interface TouchQuery {
  readonly owners: ReadonlySet<string>
  readonly persons: Persons
  readonly applied: AppliedSettings
  /** Epoch ms; touches accepted earlier may have left the store, or not yet. */
  readonly acceptedFrom: number
}

/** The latest touches within the longest window, each (source, id) once: of those there the earliest accepted. */
function touchesOf(
  turn: JourneyTurn,
  { owners, persons, applied, acceptedFrom }: TouchQuery,
): Touchpoint[] {
  const found = new Map<string, Touchpoint>()
  const { from, to } = windowOf(applied)
  const range = turn.range(touchesFrom(from), `${touchesFrom(to)}}`, true)
  for (const [, { touch }] of range) {
    assert(touch !== null)
    if (touch.accepted_at < acceptedFrom) continue
    const owner = ownerOf(touch.identifiers, persons)
    if (owner === undefined || !owners.has(owner)) continue
    const key = `${touch.source} ${touch.id}`
    const known = found.get(key)
    if (known !== undefined) {
      if (precedes(touch, known)) found.set(key, touch)
    } else if (found.size < applied.settings.touches_considered_max) {
      found.set(key, touch)
    } else {
      break
    }
  }
  return [...found.values()]
}

/** Orders of a person that converted before a time. */
function earlierOrders(
  entry: OrderEntry,
  { person, at, view }: { person: string; at: number; view: RootView },
): EarlierOrder[] {
  return view.orders.flatMap((other) => {
    const { order, identifiers } = other
    const { settings } = appliedTo(order, view.settings.attribution)
    const convertedAt = conversionTime(order, settings)
    if (other === entry || convertedAt === null || convertedAt >= at) return []
    if (ownerOfOrder(orderNode(order.order_key), identifiers, view.persons) !== person) return []
    return [{ convertedAt, skus: order.lines.map(({ sku }) => sku) }]
  })
}
