// What must stand in the output topics once everything has been heard, computed at once from all inputs as a set.
// It shares no code with the rules of identity and attribution: it is a second reading of what they say.
import type { Order, Touchpoint, TrainedModel } from '../../services/core/records'
import {
  attributeAtOnce,
  isToldLate,
  type ExpectedAttribution,
  type OracleRules,
} from './oracle-attribution'
import {
  findOutWhoIsWho,
  strongestFirst,
  type CrowdLimits,
  type Sighting,
  type WhoIsWho,
} from './oracle-identity'

export interface Happened {
  readonly touchpoints: readonly Touchpoint[]
  /** All snapshots. */
  readonly orders: readonly Order[]
  readonly hubs: CrowdLimits
  readonly attribution: readonly OracleRules[]
  readonly trained: readonly TrainedModel[]
}

export interface ExpectedOrder extends ExpectedAttribution {
  readonly order: Order
  readonly person: string
  readonly person_identifiers: readonly string[]
  readonly evidence: readonly Sighting[]
}

export interface ExpectedIdentity {
  readonly identifier: string
  readonly kind: string
  readonly person: string
  readonly state: string
  readonly evidence: readonly Sighting[]
}

export interface Expected {
  readonly orders: ReadonlyMap<string, ExpectedOrder>
  readonly identities: ReadonlyMap<string, ExpectedIdentity>
  readonly hubs: ReadonlySet<string>
  readonly contested: ReadonlySet<string>
  /** Keys of orders that were told to have converted later than any event may be. */
  readonly toldLate: ReadonlySet<string>
}

interface KnownOrder {
  readonly order: Order
  readonly snapshots: readonly Order[]
  /** Of all its snapshots. */
  readonly identifiers: readonly string[]
}

export function foresee(happened: Happened): Expected {
  const orders = newestOrders(happened.orders)
  const who = findOutWhoIsWho(sightingsOf(happened.touchpoints, orders), happened.hubs)
  return {
    orders: new Map(
      orders.map((known) => [known.order.order_key, expectOrder(known, { happened, orders, who })]),
    ),
    identities: new Map([...who.known].map((one) => [one, expectIdentity(one, who)])),
    hubs: who.hubs,
    contested: who.contested,
    toldLate: new Set(
      orders
        .filter((known) => isToldLate({ ...known, rules: happened.attribution }))
        .map(({ order }) => order.order_key),
    ),
  }
}

const statusesInOrder = [
  ...['created', 'paid', 'partly_shipped', 'shipped', 'completed', 'refunded', 'cancelled'],
]

/** Of an order's snapshots the newest counts: by what they say, never by when they came. */
export function newestOrders(snapshots: readonly Order[]): KnownOrder[] {
  const keys = [...new Set(snapshots.map((order) => order.order_key))]
  return keys.map((key) => {
    const own = snapshots.filter((order) => order.order_key === key)
    const age = (order: Order): number[] => [
      order.updated_at,
      statusesInOrder.indexOf(order.status),
      order.refunded_minor,
    ]
    const [newest] = [...own].sort((a, b) => compareLists(age(b), age(a)))
    if (newest === undefined) throw new Error('an order without a snapshot')
    return {
      order: newest,
      snapshots: own,
      identifiers: strongestFirst(own.flatMap((order) => order.identifiers)),
    }
  })
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

/** An order shows its identifiers as a touch does, dated by its creation. */
function sightingsOf(
  touchpoints: readonly Touchpoint[],
  orders: readonly KnownOrder[],
): Sighting[] {
  return [
    ...touchpoints.map(({ identifiers, source, id, at }) => ({ identifiers, source, id, at })),
    ...orders.map(({ order, identifiers }) => ({
      ...{ identifiers, source: 'order', id: order.order_key, at: order.created_at },
    })),
  ].filter(({ identifiers }) => identifiers.length > 0)
}

interface Everything {
  readonly happened: Happened
  readonly orders: readonly KnownOrder[]
  readonly who: WhoIsWho
}

const evidenceOfOrderMax = 50
const evidenceOfIdentityMax = 20

function expectOrder(known: KnownOrder, { happened, orders, who }: Everything): ExpectedOrder {
  const person = buyerOf(known, who)
  const touches = happened.touchpoints.filter((touch) => {
    const toucher = toucherOf(touch, who)
    if (toucher === null) return false
    const named = who.contested.has(toucher) && known.identifiers.includes(toucher)
    return toucher === person || named
  })
  const others = orders
    .filter((other) => other !== known && buyerOf(other, who) === person)
    .map(({ order }) => order)
  const members = who.membersOf(person)
  return {
    ...attributeAtOnce({
      ...{ ...known, touches, others, rules: happened.attribution },
      trained: happened.trained,
    }),
    order: known.order,
    person,
    person_identifiers: members,
    evidence: who.evidenceFor(members).slice(0, evidenceOfOrderMax),
  }
}

/** Of hubs only, or of nobody, an order stands alone. */
function buyerOf({ order, identifiers }: KnownOrder, who: WhoIsWho): string {
  const strongest = who.strongest(identifiers)
  return strongest === undefined ? `order:${order.order_key}` : who.personOf(strongest)
}

/** Of hubs only, a touch stays with the first. */
function toucherOf({ identifiers }: Touchpoint, who: WhoIsWho): string | null {
  const strongest = who.strongest(identifiers)
  return strongest === undefined ? (identifiers[0] ?? null) : who.personOf(strongest)
}

function expectIdentity(identifier: string, who: WhoIsWho): ExpectedIdentity {
  const hub = who.hubs.has(identifier)
  return {
    identifier,
    kind: identifier.slice(0, identifier.indexOf(':')),
    person: hub ? identifier : who.personOf(identifier),
    state: hub ? 'hub' : who.contested.has(identifier) ? 'contested' : 'member',
    evidence: hub ? [] : who.evidenceFor([identifier]).slice(0, evidenceOfIdentityMax),
  }
}
