// What an order comes to at its root: whose it is, which touches led to it, and how its money is split.
import assert from 'node:assert/strict'
import { ownerOf, ownerOfOrder, type Persons } from '../identity/decide'
import { precedes } from '../identity/gather'
import { touchesFrom, type JourneyTurn } from '../identity/journey-state'
import { orderNode } from '../identity/node'
import type { AttributedOrder, Evidence, OrderEntry, Touchpoint } from '../records'
import { attribute, attributeFrozen, conversionTime, type Attribution } from './attribute'
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

/** When an order converted, or was created while it has not. */
export function referenceTime({ order }: OrderEntry, { attribution }: OrderSettings): number {
  const applied = settingsAt(attribution, order.paid_at ?? order.created_at)
  return conversionTime(order, applied) ?? order.created_at
}

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
  const { order, frozen } = entry
  const at = referenceTime(entry, settings)
  const applied = settingsAt(settings.attribution, at)
  if (
    frozen !== null &&
    (frozen.converted_at !== null || conversionTime(order, applied) === null)
  ) {
    return { settings: frozen.settings, ...attributeFrozen(order, frozen, applied) }
  }
  const owners = new Set([person, ...entry.identifiers.filter((id) => persons.contested.has(id))])
  const attribution = attribute({
    order,
    touches: touchesOf(turn, { owners, persons, at, applied }),
    earlierOrders: earlierOrders(entry, person, view),
    settings: applied,
  })
  return { settings: applied.name, ...attribution }
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
