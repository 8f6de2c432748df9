// What was sent against what became of it, as the one JSON object that a run ends with.
import type { HashIdentifier } from '../../services/runtime/hash-identifier'
import type { EventAct, OrderAct } from './act'
import { scoreIdentity } from './identity-score'
import type { TrainingOutcome } from '../../services/model-trainer/train-once'
import type { Evening } from './plot'
import type { ErpFound, Found } from './tables'

export interface Expectation {
  readonly touchpoints: number
  readonly orders: number
  readonly ordersPaid: number
  readonly erpOrders: number
  readonly netMinor: number
  readonly erpNetMinor: number
}

/** What the tables must come to, from the acts alone. */
export function expectationOf({ acts }: Evening): Expectation {
  const events = acts.filter((act): act is EventAct => act.kind === 'event')
  const newest = new Map<string, OrderAct>()
  for (const act of acts) {
    if (act.kind !== 'order') continue
    const known = newest.get(act.orderId)
    if (known === undefined || act.atMs >= known.atMs) newest.set(act.orderId, act)
  }
  const paid = [...newest.values()].filter(({ paidAtMs }) => paidAtMs !== null)
  const sales = paid.filter(
    ({ orderKind, orderId }) => orderKind === 'sale' && !orderId.endsWith('unknown-sku'),
  )
  const net = (some: readonly OrderAct[]): number => some.reduce((sum, act) => sum + netOf(act), 0)
  return {
    touchpoints: new Set(events.map(({ source, id }) => `${source} ${id}`)).size,
    orders: newest.size,
    ordersPaid: paid.length,
    erpOrders: sales.length,
    netMinor: net(paid),
    erpNetMinor: net(sales),
  }
}

function netOf({ lines, freightMinor, refundedFreightMinor }: OrderAct): number {
  return lines.reduce(
    (sum, { paidMinor, refundedMinor = 0 }) => sum + paidMinor - refundedMinor,
    freightMinor - refundedFreightMinor,
  )
}

/** Whether everything the evening sent has arrived everywhere. */
export function isComplete(expected: Expectation, found: Found, erp: ErpFound): boolean {
  return (
    found.touchpoints === expected.touchpoints &&
    found.orders === expected.orders &&
    found.ordersCredited === expected.ordersPaid &&
    found.netMinor === expected.netMinor &&
    erp.sales === expected.erpOrders &&
    erp.netMinor === expected.erpNetMinor &&
    found.deadLetters.length === 1
  )
}

export interface Verdict {
  readonly summary: Readonly<Record<string, unknown>>
  readonly failures: readonly string[]
}

export function judge(
  evening: Evening,
  {
    found,
    erp,
    hash,
    seconds,
    training,
  }: {
    found: Found
    erp: ErpFound
    hash: HashIdentifier
    seconds: number
    /** Null where nothing was to be trained. */
    training: TrainingOutcome | null
  },
): Verdict {
  const expected = expectationOf(evening)
  const score = scoreIdentity(evening.truth, found.identities, hash)
  const wrongLastTouch = [...evening.truth.lastTouch].filter(([orderId, touchpointId]) => {
    const credited = found.lastTouch.get(orderId)
    return credited !== undefined && credited !== touchpointId
  })
  const summary = {
    run: evening.run,
    touchpoints_sent: expected.touchpoints,
    touchpoints_in_clickhouse: found.touchpoints,
    orders_sent: expected.orders,
    orders_in_clickhouse: found.orders,
    orders_paid: expected.ordersPaid,
    orders_credited: found.ordersCredited,
    credits_unbalanced: found.creditsUnbalanced,
    last_touch_wrong: wrongLastTouch.length,
    net_minor_expected: expected.netMinor,
    net_minor: found.netMinor,
    identity_precision: score.precision,
    identity_recall: score.recall,
    joined_though_alone: score.joinedThoughAlone,
    erp_orders: erp.sales,
    erp_orders_expected: expected.erpOrders,
    erp_net_minor: erp.netMinor,
    erp_net_minor_expected: expected.erpNetMinor,
    journeys_trained: training?.journeys ?? 0,
    dead_letters: found.deadLetters.length,
    dead_letters_expected: 1,
    freshness_ms: found.freshness,
    order_freshness_ms: found.orderFreshness,
    seconds,
  }
  const checks: Readonly<Record<string, boolean>> = {
    'every touchpoint once in ClickHouse': found.touchpoints === expected.touchpoints,
    'every order once in ClickHouse': found.orders === expected.orders,
    'every paid order credited under every model': found.ordersCredited === expected.ordersPaid,
    'the credits of each model sum to the order': found.creditsUnbalanced === 0,
    'the money in ClickHouse is the money paid less refunds': found.netMinor === expected.netMinor,
    'the last touch is the one that was last': wrongLastTouch.length === 0,
    'identity precision is 1': score.precision === 1,
    'identity recall is 1': score.recall === 1,
    'hubs and contested identifiers stand alone': score.joinedThoughAlone === 0,
    ...(training === null ? {} : trainingChecks(training, found)),
    'one sale in the ERP for each paid order': erp.sales === expected.erpOrders,
    'the money in the ERP is the money paid less refunds': erp.netMinor === expected.erpNetMinor,
    'one dead letter, for the SKU nobody knows': found.deadLetters.length === 1,
  }
  return {
    summary,
    failures: Object.entries(checks)
      .filter(([, holds]) => !holds)
      .map(([check]) => check),
  }
}

function trainingChecks(
  { trainings, journeys, conversions }: TrainingOutcome,
  { effects }: Found,
): Record<string, boolean> {
  return {
    'both data-driven models are trained, also from journeys without an order':
      trainings.length === 2 && journeys > conversions,
    'no channel is worth less than nothing': effects.channels > 0 && effects.negative === 0,
  }
}
