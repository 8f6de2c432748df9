import fc from 'fast-check'
import { takeTokens, waitOf, type Rate } from '../../../services/core/edge/token-bucket'

const rate: Rate = { perSecond: 10, burstSeconds: 2 }

test('a full bucket gives its burst at once, then one token a tenth of a second', () => {
  let fullAt: number | undefined
  const take = (nowMs: number, cost = 1): number => {
    const taken = takeTokens(fullAt, { rate, nowMs, cost })
    fullAt = taken.fullAt
    return taken.waitMs
  }
  expect(take(0, 20)).toBe(0)
  expect(take(0)).toBe(100)
  expect(take(99)).toBe(1)
  expect(take(100)).toBe(0)
  expect(take(100)).toBe(100)
  expect(take(2_200, 21)).toBe(0)
})

test('looking takes nothing', () => {
  expect(waitOf(undefined, rate, 0)).toBe(0)
  expect(waitOf(2_000, rate, 0)).toBe(100)
  expect(waitOf(2_000, rate, 100)).toBe(0)
})

test('a cost beyond the bucket is paid by a full bucket, or nobody could ever pay it', () => {
  const { fullAt, waitMs } = takeTokens(undefined, { rate, nowMs: 0, cost: 1_000 })
  expect({ fullAt, waitMs }).toEqual({ fullAt: 2_000, waitMs: 0 })
})

test('a bucket slower than its burst still gives one token', () => {
  const slow: Rate = { perSecond: 0.01, burstSeconds: 1 }
  const { fullAt, waitMs } = takeTokens(undefined, { rate: slow, nowMs: 0, cost: 1 })
  expect(waitMs).toBe(0)
  expect(takeTokens(fullAt, { rate: slow, nowMs: 0, cost: 1 }).waitMs).toBe(100_000)
})

test('over any span no more is given than burst and rate allow, and waiting as told is enough', () => {
  const attempts = fc.array(fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 30 })), {
    maxLength: 50,
  })
  fc.assert(
    fc.property(attempts, (steps) => {
      let [nowMs, given] = [0, 0]
      let fullAt: number | undefined
      for (const [pause, cost] of steps) {
        nowMs += pause
        const taken = takeTokens(fullAt, { rate, nowMs, cost })
        fullAt = taken.fullAt
        if (taken.waitMs === 0) given += Math.min(cost, 20)
        else {
          const later = { rate, nowMs: nowMs + taken.waitMs, cost }
          expect(takeTokens(fullAt, later).waitMs).toBe(0)
        }
        expect(given).toBeLessThanOrEqual(20 + (nowMs / 1_000) * 10 + 1e-6)
      }
    }),
  )
})
