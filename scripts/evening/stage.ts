// What every scene of the evening does: somebody touches something, somebody buys.
import {
  minuteMs,
  miniProgram,
  type Act,
  type OrderAct,
  type RawIdentifier,
  type Truth,
} from './act'
import type { Random } from './random'

export interface Stage {
  readonly run: string
  readonly random: Random
  readonly acts: Act[]
  readonly truth: Truth
}

/** The same acts in a fraction of the time. */
export function hasten(acts: readonly Act[], times: number): Act[] {
  const sooner = (ms: number): number => Math.round(ms / times)
  return acts.map((act) => {
    const atMs = sooner(act.atMs)
    if (act.kind === 'event') {
      return act.lateMs === undefined
        ? { ...act, atMs }
        : { ...act, atMs, lateMs: sooner(act.lateMs) }
    }
    const paidAtMs = act.paidAtMs === null ? null : sooner(act.paidAtMs)
    return { ...act, atMs, paidAtMs, createdAtMs: sooner(act.createdAtMs) }
  })
}

export function phoneOf({ run }: Stage, number: number): RawIdentifier {
  let mixed = 7
  for (const character of run) mixed = (mixed * 31 + character.charCodeAt(0)) % 99_991
  return raw('phone', `139${String(mixed).padStart(5, '0')}${String(number).padStart(3, '0')}`)
}

export function raw(kind: RawIdentifier['kind'], value: string, scope = ''): RawIdentifier {
  return { kind, value, scope }
}

export function accountOf(
  { run }: Stage,
  platform: 'douyin' | 'wechat',
  number: number,
): RawIdentifier[] {
  if (platform === 'douyin') return [raw('user', `${run}-u${number}`, 'douyin')]
  return [raw('unionid', `${run}-union${number}`), raw('openid', `${run}-o${number}`, miniProgram)]
}

export interface Touch {
  readonly source: 'web' | 'rooms'
  readonly id: string
  readonly type: string
  readonly atMs: number
  readonly identifiers: readonly RawIdentifier[]
  readonly fields: Readonly<Record<string, string>>
  readonly lateMs?: number
}

export function touch({ acts, run, random }: Stage, given: Touch): void {
  const late = given.lateMs === undefined && random.chance(0.03) ? { lateMs: 45 * minuteMs } : {}
  acts.push({ kind: 'event', ...late, ...given, id: `${run}-${given.id}` })
}

export function orderIdOf({ run }: Stage, number: string): string {
  return `${run}-${number}`
}

export interface Purchase {
  readonly number: string
  readonly platform: 'douyin' | 'wechat'
  readonly at: number
  readonly buyer: readonly RawIdentifier[]
  readonly claimed?: boolean
  readonly orderKind?: 'sale' | 'sample'
  readonly skus?: readonly string[]
}

/** An order's life: created, paid a minute later unless it is not, perhaps shipped, perhaps refunded. */
export function buy(stage: Stage, purchase: Purchase): void {
  const { random, acts } = stage
  const { number, platform, at, buyer, claimed = true, orderKind = 'sale' } = purchase
  const skus = purchase.skus ?? Array.from({ length: 1 + random.below(2) }, () => skuOf(random))
  const lines = skus.map((sku) => {
    const quantity = 1 + random.below(3)
    return {
      sku,
      quantity,
      paidMinor: orderKind === 'sample' ? 0 : quantity * (990 + random.below(9_000)),
    }
  })
  const created: OrderAct = {
    ...{ kind: 'order', atMs: at, platform, orderId: orderIdOf(stage, number), status: 'created' },
    ...{ orderKind, createdAtMs: at, paidAtMs: null, lines, refundedFreightMinor: 0 },
    freightMinor: random.chance(0.3) && orderKind === 'sale' ? 600 : 0,
    ...{ buyer, claimed, name: `客户${number}` },
  }
  acts.push(created)
  const fate = random.fraction()
  if (fate < 0.05 && orderKind === 'sale') {
    acts.push({ ...created, atMs: at + 15 * minuteMs, status: 'cancelled' })
    return
  }
  const paid: OrderAct = {
    ...created,
    atMs: at + minuteMs,
    paidAtMs: at + minuteMs,
    status: 'paid',
  }
  acts.push(paid)
  if (orderKind === 'sample') return
  if (fate < 0.13) acts.push(partlyRefunded(paid))
  else if (fate < 0.18) acts.push(fullyRefunded(paid))
  else if (fate < 0.5) acts.push({ ...paid, atMs: at + 10 * minuteMs, status: 'shipped' })
}

function partlyRefunded(paid: OrderAct): OrderAct {
  const [first, ...rest] = paid.lines
  if (first === undefined) return paid
  const refundedMinor = Math.floor(first.paidMinor / first.quantity)
  return {
    ...paid,
    atMs: paid.atMs + 12 * minuteMs,
    lines: [{ ...first, refundedMinor, refundedQuantity: 1 }, ...rest],
  }
}

function fullyRefunded(paid: OrderAct): OrderAct {
  return {
    ...paid,
    atMs: paid.atMs + 14 * minuteMs,
    status: 'refunded',
    refundedFreightMinor: paid.freightMinor,
    lines: paid.lines.map((line) => ({
      ...line,
      refundedMinor: line.paidMinor,
      refundedQuantity: line.quantity,
    })),
  }
}

export function skuOf(random: Random): string {
  return `SKU-${String(1 + random.below(50)).padStart(4, '0')}`
}
