// The other half of the seeds of histories-odd.test.ts.
import { playSeeds } from './play-seeds'

jest.setTimeout(3_600_000)

test('whatever breaks, even histories end as if everything had been known at once', async () => {
  const { seeds, struck, frozen, renewed, retrained } = await playSeeds(2, 2)
  // A simulation whose faults do not strike shows nothing.
  if (seeds < 500) return
  expect([...struck].filter(([, times]) => times < 10)).toEqual([])
  expect(frozen).toBeGreaterThan(100)
  expect(renewed).toBeGreaterThan(50)
  expect(retrained).toBeGreaterThan(100)
})
