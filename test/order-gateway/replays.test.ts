import { createReplays } from '../../services/order-gateway/replays'

test('a request is remembered until its signature expires', () => {
  let now = 0
  const replays = createReplays(10, () => now)
  replays.remember('a', 100)
  expect(replays.has('a')).toBe(true)
  now = 100
  expect(replays.has('a')).toBe(false)
})

test('the oldest are forgotten when there are too many', () => {
  const replays = createReplays(2, () => 0)
  for (const signed of ['a', 'b', 'c']) replays.remember(signed, 100)
  expect(['a', 'b', 'c'].map((signed) => replays.has(signed))).toEqual([false, true, true])
})

test('expired ones take no room', () => {
  let now = 0
  const replays = createReplays(2, () => now)
  replays.remember('a', 10)
  now = 20
  for (const signed of ['b', 'c']) replays.remember(signed, 100)
  expect(['b', 'c'].map((signed) => replays.has(signed))).toEqual([true, true])
})
