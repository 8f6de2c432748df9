// Sends the evening's acts over HTTP as real clients would: pixels, beacons and batches of events, and signed
// order snapshots. Some events come twice, some late, many out of order.
import { createHmac } from 'node:crypto'
import { figureKinds } from '../../services/core/figures/figure'
import { identifierKinds } from '../../services/core/identity/node'
import {
  miniProgram,
  rooms,
  type Act,
  type EventAct,
  type OrderAct,
  type RawIdentifier,
} from './act'
import type { Random } from './random'

export interface Edges {
  readonly collectorUrl: string
  readonly gatewayUrl: string
  readonly writeKeys: Readonly<Record<EventAct['source'], string>>
  readonly orderSecrets: Readonly<Record<OrderAct['platform'], string>>
  /** After which a client gives up on an answer; by default it waits. */
  readonly timeoutMs?: number
}

/** One HTTP request of the evening. */
export interface Delivery {
  /** Milliseconds after the beginning at which it is sent, on the evening's clock. */
  readonly atMs: number
  readonly acts: readonly Act[]
  readonly way: 'pixel' | 'beacon' | 'batch' | 'order'
}

/** What goes out when: acts in the order they are delivered, some of them twice, grouped into requests. */
export function planDeliveries(acts: readonly Act[], random: Random): Delivery[] {
  const sent = acts.flatMap((act) => {
    const jitter = act.kind === 'event' ? random.below(90_000) : random.below(20_000)
    const atMs = act.atMs + jitter + (act.kind === 'event' ? (act.lateMs ?? 0) : 0)
    const again = random.chance(0.04) ? [{ act, atMs: atMs + random.below(600_000) }] : []
    return [{ act, atMs }, ...again]
  })
  sent.sort((a, b) => a.atMs - b.atMs)
  const deliveries: Delivery[] = []
  let batch: EventAct[] = []
  let size = 1 + random.below(25)
  for (const { act, atMs } of sent) {
    if (act.kind === 'order') {
      deliveries.push({ atMs, acts: [act], way: 'order' })
    } else if (act.source === 'web' && random.chance(0.6)) {
      deliveries.push({ atMs, acts: [act], way: random.chance(0.7) ? 'pixel' : 'beacon' })
    } else {
      if (batch.length > 0 && batch[0]?.source !== act.source) flush(atMs)
      batch.push(act)
      if (batch.length >= size) flush(atMs)
    }
  }
  flush(Number.MAX_SAFE_INTEGER)
  return deliveries

  function flush(atMs: number): void {
    if (batch.length > 0) deliveries.push({ atMs, acts: batch, way: 'batch' })
    batch = []
    size = 1 + random.below(25)
  }
}

/** @throws when the edge does not take every act */
export async function deliver(delivery: Delivery, edges: Edges, beganAt: number): Promise<void> {
  const response = await send(delivery, edges, beganAt)
  const text = await response.text()
  if (response.status !== 200) {
    throw new Error(`the ${delivery.way} was answered ${response.status}: ${text.slice(0, 500)}`)
  }
}

/** One attempt, whatever the answer is. @throws when there is none */
export function send({ acts, way }: Delivery, edges: Edges, beganAt: number): Promise<Response> {
  const [first] = acts
  if (first === undefined) throw new Error('an empty delivery')
  if (first.kind === 'order') return postOrder(first, edges, beganAt)
  const events = (acts as readonly EventAct[]).map((act) => eventBody(act, beganAt))
  const key = edges.writeKeys[first.source]
  const patience = patienceOf(edges)
  if (way === 'pixel') {
    return fetch(`${edges.collectorUrl}/p.gif?${pixelQuery(first, key, beganAt)}`, patience)
  }
  if (way === 'beacon') {
    return fetch(`${edges.collectorUrl}/collect?write_key=${key}`, {
      ...patience,
      method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
      body: JSON.stringify({ events }),
    })
  }
  return fetch(`${edges.collectorUrl}/collect`, {
    ...patience,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-write-key': key },
    body: JSON.stringify({ events, sent_at: Date.now() }),
  })
}

function patienceOf({ timeoutMs }: Edges): { signal?: AbortSignal } {
  return timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }
}

function eventBody(act: EventAct, beganAt: number): object {
  return {
    id: act.id,
    type: act.type,
    at: beganAt + act.atMs,
    identifiers: identifiersBody(act.identifiers),
    ...act.fields,
  }
}

function identifiersBody(identifiers: readonly RawIdentifier[]): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const { kind, scope, value } of identifiers) {
    if (kind === 'openid') body[kind] = { app: scope, id: value }
    else if (kind === 'user') body[kind] = { platform: scope, id: value }
    else body[kind] = value
  }
  return body
}

function pixelQuery(act: EventAct, key: string, beganAt: number): string {
  const query = new URLSearchParams({
    write_key: key,
    id: act.id,
    type: act.type,
    at: String(beganAt + act.atMs),
  })
  for (const [name, value] of Object.entries(act.fields)) query.set(name, value)
  for (const { kind, scope, value } of act.identifiers) {
    query.set(kind, value)
    if (kind === 'user') query.set('user_platform', scope)
    if (kind === 'openid') query.set('openid_app', scope)
  }
  return query.toString()
}

function postOrder(act: OrderAct, edges: Edges, beganAt: number): Promise<Response> {
  const body = JSON.stringify(orderBody(act, beganAt))
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', edges.orderSecrets[act.platform])
    .update(`${seconds}.${body}`)
    .digest('hex')
  return fetch(`${edges.gatewayUrl}/orders/${act.platform}`, {
    ...patienceOf(edges),
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tributary-signature': `t=${seconds},v1=${signature}`,
    },
    body,
  })
}

function orderBody(act: OrderAct, beganAt: number): object {
  const { room, streamer, channel, shop } = rooms[act.platform]
  const refundedLines = act.lines.reduce((sum, { refundedMinor = 0 }) => sum + refundedMinor, 0)
  const phone = act.buyer.find(({ kind }) => kind === 'phone')?.value
  return {
    order_id: act.orderId,
    shop,
    status: act.status,
    kind: act.orderKind,
    currency: 'CNY',
    created_at: beganAt + act.createdAtMs,
    paid_at: act.paidAtMs === null ? null : beganAt + act.paidAtMs,
    updated_at: beganAt + act.atMs,
    paid_minor: act.lines.reduce((sum, { paidMinor }) => sum + paidMinor, act.freightMinor),
    refunded_minor: refundedLines + act.refundedFreightMinor,
    freight_minor: act.freightMinor,
    lines: act.lines.map((line, at) => ({
      line_id: String(at + 1),
      sku: line.sku,
      quantity: line.quantity,
      paid_minor: line.paidMinor,
      refunded_minor: line.refundedMinor ?? 0,
      refunded_quantity: line.refundedQuantity ?? 0,
    })),
    ...(act.claimed ? { claim: { channel, room, streamer } } : {}),
    buyer: { name: act.name, ...identifiersBody(act.buyer) },
    receiver: {
      name: act.name,
      ...(phone === undefined ? {} : { phone }),
      address: { province: '浙江', city: '杭州', district: '西湖', street: '文三路 1 号' },
    },
  }
}

/** Who states the figures of the evening. */
export const figuresSource = 'office'

/** The collector's and gateway's settings that know these clients. */
export function sourcesFor({
  writeKeys,
  orderSecrets,
  figureSecret,
}: Pick<Edges, 'writeKeys' | 'orderSecrets'> & { readonly figureSecret: string }): {
  readonly collector: string
  readonly gateway: string
} {
  return {
    collector: JSON.stringify([
      {
        name: 'web',
        keys: [writeKeys.web],
        allowed_origins: ['https://shop.example'],
        visitor_cookie: false,
        // The shop's own server fills in its members' customer codes.
        identifier_kinds: identifierKinds,
      },
      { name: 'rooms', keys: [writeKeys.rooms], app: miniProgram, visitor_cookie: false },
    ]),
    gateway: JSON.stringify([
      {
        name: 'douyin',
        secrets: [orderSecrets.douyin],
        platform: 'douyin',
        shops: [rooms.douyin.shop],
      },
      {
        name: 'wechat',
        secrets: [orderSecrets.wechat],
        platform: 'wechat',
        shops: [rooms.wechat.shop],
        app: miniProgram,
      },
      { name: figuresSource, secrets: [figureSecret], figures: figureKinds },
    ]),
  }
}
