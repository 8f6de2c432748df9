// One version of an order as one row: the order's fields flat, its lines, journey and credits as arrays.
import type { AttributedOrder, Credit, Evidence, JourneyTouch, OrderLine } from '../records'
import type { Reject } from '../reject'
import { coordinateColumns, optionalTimeText, timeFault, timeText } from './row'
import type { Coordinates, Row } from './row'

export function attributedOrderRow(
  attributed: AttributedOrder,
  coordinates: Coordinates,
): Row | Reject {
  const { order, replaces_order: replaced } = attributed
  const fault = attributedOrderFault(attributed)
  if (fault !== null) return fault
  return {
    order_key: order.order_key,
    version: attributed.version,
    cause: attributed.cause,
    platform: order.platform,
    shop: order.shop,
    order_id: order.order_id,
    source: order.source,
    status: order.status,
    kind: order.kind,
    currency: order.currency,
    created_at: timeText(order.created_at),
    paid_at: optionalTimeText(order.paid_at),
    updated_at: timeText(order.updated_at),
    accepted_at: timeText(order.accepted_at),
    converted_at: optionalTimeText(attributed.converted_at),
    paid_minor: order.paid_minor,
    refunded_minor: order.refunded_minor,
    net_minor: attributed.net_minor,
    freight_minor: order.freight_minor,
    settlement: order.settlement,
    settled_minor: order.settled_minor,
    identifiers: order.identifiers,
    person: attributed.person,
    person_identifiers: attributed.person_identifiers,
    evidence: attributed.evidence.map(evidenceTuple),
    lines: order.lines.map(lineTuple),
    journey: attributed.journey.map(touchTuple),
    not_shown: attributed.not_shown,
    credits: attributed.credits.map(creditTuple),
    settings: attributed.settings,
    trained: attributed.trained,
    replaces: attributed.replaces.map(creditTuple),
    replaces_version: replaced?.version ?? null,
    replaces_converted_at: optionalTimeText(replaced?.converted_at ?? null),
    replaces_currency: replaced?.currency ?? '',
    ...coordinateColumns(coordinates),
  }
}

export function evidenceTuple({ identifiers, source, id, at }: Evidence): Row {
  return { identifiers, source, id, at: timeText(at) }
}

function attributedOrderFault(attributed: AttributedOrder): Reject | null {
  const { order } = attributed
  return (
    timeFault({
      created_at: order.created_at,
      paid_at: order.paid_at,
      updated_at: order.updated_at,
      accepted_at: order.accepted_at,
      converted_at: attributed.converted_at,
      replaces_converted_at: attributed.replaces_order?.converted_at ?? null,
    }) ??
    firstFault(attributed.evidence, ({ at }) => ({ 'evidence.at': at })) ??
    firstFault(attributed.journey, (touch) => ({
      'journey.first_at': touch.first_at,
      'journey.last_at': touch.last_at,
    }))
  )
}

export function firstFault<T>(
  entries: readonly T[],
  timesOf: (entry: T) => Readonly<Record<string, number>>,
): Reject | null {
  for (const entry of entries) {
    const fault = timeFault(timesOf(entry))
    if (fault !== null) return fault
  }
  return null
}

// Tuples name their fields one by one, so that a field added to a schema needs a migration before it can
// reach a table.
function lineTuple(line: OrderLine): Row {
  return {
    line_id: line.line_id,
    sku: line.sku,
    title: line.title,
    quantity: line.quantity,
    paid_minor: line.paid_minor,
    refunded_minor: line.refunded_minor,
    refunded_quantity: line.refunded_quantity,
    warehouse: line.warehouse,
    claim_channel: line.claim?.channel ?? '',
    claim_room: line.claim?.room ?? '',
    claim_streamer: line.claim?.streamer ?? '',
    claim_video: line.claim?.video ?? '',
    claim_promoter: line.claim?.promoter ?? '',
  }
}

function touchTuple(touch: JourneyTouch): Row {
  return {
    source: touch.source,
    id: touch.id,
    type: touch.type,
    first_at: timeText(touch.first_at),
    last_at: timeText(touch.last_at),
    touches: touch.touches,
    channel: touch.channel,
    platform: touch.platform,
    room: touch.room,
    streamer: touch.streamer,
    video: touch.video,
    sku: touch.sku,
    campaign: touch.campaign,
    promoter: touch.promoter,
    link: touch.link,
    counted: touch.counted,
    reason: touch.reason,
  }
}

function creditTuple(credit: Credit): Row {
  return {
    model: credit.model,
    source: credit.source,
    touchpoint_id: credit.touchpoint_id,
    channel: credit.channel,
    platform: credit.platform,
    room: credit.room,
    streamer: credit.streamer,
    video: credit.video,
    campaign: credit.campaign,
    promoter: credit.promoter,
    weight_ppb: credit.weight_ppb,
    amount_minor: credit.amount_minor,
  }
}
