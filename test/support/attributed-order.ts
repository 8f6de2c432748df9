import type { AttributedOrder, Credit } from '../../services/core/records'
import { anOrder, aJourneyTouch } from '../given'

export function aCredit(given: Partial<Credit> = {}): Credit {
  return {
    model: 'last',
    source: 'web',
    touchpoint_id: 'touch-1',
    channel: 'douyin.video',
    platform: 'douyin',
    room: '',
    streamer: '',
    video: '',
    campaign: '',
    promoter: '',
    weight_ppb: 1_000_000_000,
    amount_minor: 10_000,
    ...given,
  }
}

export function anAttributedOrder(given: Partial<AttributedOrder> = {}): AttributedOrder {
  const order = given.order ?? anOrder()
  return {
    order,
    person: 'phone:p1',
    person_identifiers: order.identifiers,
    evidence: [
      {
        identifiers: order.identifiers,
        source: 'order',
        id: order.order_key,
        at: order.created_at,
      },
    ],
    converted_at: order.paid_at,
    net_minor: order.paid_minor - order.refunded_minor,
    journey: [aJourneyTouch()],
    not_shown: {},
    credits: [aCredit()],
    settings: 'default',
    version: 1,
    cause: 'snapshot',
    replaces: [],
    replaces_order: null,
    trained: {},
    ...given,
  }
}

/** The version after `previous`, taking its credits back. */
export function nextVersion(
  previous: AttributedOrder,
  given: Partial<AttributedOrder>,
): AttributedOrder {
  return {
    ...previous,
    cause: 'touch',
    version: previous.version + 1,
    replaces: previous.credits,
    replaces_order: {
      version: previous.version,
      converted_at: previous.converted_at,
      currency: previous.order.currency,
    },
    ...given,
  }
}
