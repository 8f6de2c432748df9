// What somebody does on the evening, as clients would send it, and what is true about it.

/** A raw identifier as a client knows it; only the edge makes a hash of it. */
export interface RawIdentifier {
  readonly kind: 'code' | 'phone' | 'unionid' | 'openid' | 'user' | 'visitor'
  /** App of an openid, platform of a user; empty for the others. */
  readonly scope: string
  readonly value: string
}

export interface EventAct {
  readonly kind: 'event'
  /** Milliseconds after the evening's beginning. */
  readonly atMs: number
  readonly source: 'web' | 'rooms'
  readonly id: string
  readonly type: string
  readonly identifiers: readonly RawIdentifier[]
  readonly fields: Readonly<Record<string, string>>
  /** Delivered this much later, from an offline queue. */
  readonly lateMs?: number
}

export interface OrderLineAct {
  readonly sku: string
  readonly quantity: number
  readonly paidMinor: number
  readonly refundedMinor?: number
  readonly refundedQuantity?: number
}

export interface OrderAct {
  readonly kind: 'order'
  /** When this snapshot was made. */
  readonly atMs: number
  readonly platform: 'douyin' | 'wechat'
  readonly orderId: string
  readonly status: string
  readonly orderKind: 'sale' | 'sample'
  readonly createdAtMs: number
  readonly paidAtMs: number | null
  readonly lines: readonly OrderLineAct[]
  readonly freightMinor: number
  readonly refundedFreightMinor: number
  readonly buyer: readonly RawIdentifier[]
  readonly name: string
  readonly claimed: boolean
}

export type Act = EventAct | OrderAct

/** What is true, against which the tables are checked. */
export interface Truth {
  /** Identifiers of one person each; hubs and contested ones are in none. */
  readonly persons: RawIdentifier[][]
  /** Identifiers that must stand alone. */
  readonly alone: RawIdentifier[]
  /** Order id to the id of the touchpoint that the last-touch model must credit; empty for direct. */
  readonly lastTouch: Map<string, string>
}

export const rooms = {
  douyin: { room: 'dy-evening', streamer: 'lin', channel: 'douyin.live', shop: 'flagship' },
  wechat: { room: 'wx-evening', streamer: 'mei', channel: 'wechat.live', shop: 'mini' },
} as const

export const miniProgram = 'wxminishop'
export const minuteMs = 60_000
