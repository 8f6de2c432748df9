import type { AttributedOrder, Credit, Order } from '../../../services/core/records'
import { anOrder } from '../../given'
import {
  documentFrom,
  type DocumentSettings,
  type SaleDocument,
} from '../../../services/core/erp/sale-document'

export const settings: DocumentSettings = {
  kinds: ['sale'],
  on: 'paid',
  model: 'last_non_direct',
  freightSku: 'SHIPPING',
  roundingSku: 'ROUNDING',
}

export function aCredit(changes: Partial<Credit> = {}): Credit {
  return {
    model: 'last_non_direct',
    source: 'pixel',
    touchpoint_id: 't1',
    channel: 'douyin.live',
    platform: 'douyin',
    room: '',
    streamer: '',
    video: '',
    campaign: '',
    promoter: '',
    weight_ppb: 1_000_000_000,
    amount_minor: 10_000,
    ...changes,
  }
}

export function anAttributedOrder(
  order: Partial<Order> = {},
  changes: Partial<AttributedOrder> = {},
): AttributedOrder {
  const whole = anOrder(order)
  return {
    order: whole,
    person: whole.identifiers[0] ?? '',
    person_identifiers: [...whole.identifiers],
    evidence: [],
    converted_at: whole.paid_at,
    net_minor: whole.paid_minor - whole.refunded_minor,
    journey: [],
    not_shown: {},
    credits: [aCredit()],
    settings: 'default',
    version: 1,
    cause: 'snapshot',
    replaces: [],
    replaces_order: null,
    trained: {},
    ...changes,
  }
}

export function aDocument(
  order: Partial<Order> = {},
  changes: Partial<AttributedOrder> = {},
): SaleDocument {
  const document = documentFrom(anAttributedOrder(order, changes), settings)
  if (document === null) throw new Error('the rule keeps this order from the ERP')
  return document
}
