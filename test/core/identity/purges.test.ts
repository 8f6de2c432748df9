// What a disk must not hold on to either, and what it may: only deletion on request is worth rewriting a store for.
import { factTo } from '../../../services/core/identity/journey-state'
import { journeyStage } from '../../../services/core/journey'
import type { Reset } from '../../../services/core/records'
import { defaultSettings } from '../../../services/core/attribution/settings'
import { defaultHubLimits } from '../../../services/core/identity/hubs'
import { aTouchpoint } from '../../given'

const stage = journeyStage({
  orders: { attribution: [defaultSettings], generation: 0 },
  gather: { hubs: defaultHubLimits, clusterIdentifiers: 5_000 },
})
const aReset = (given: Partial<Reset>) =>
  factTo('phone:p', {
    reset: { forgotten: [], parent: '', nameless: false, gone: false, ...given },
  })

test.each([
  [
    'a request to forget',
    factTo('phone:p', {
      forget: { identifier: 'phone:p', set: 'set:1', mentioned: false, finally: false },
    }),
    true,
  ],
  ['being told who is forgotten', aReset({ forgotten: ['phone:p'], parent: 'set:1' }), true],
  ['being let go after that', aReset({ forgotten: ['phone:p'], gone: true }), true],
  ['being let go for age', aReset({ gone: true }), false],
  ['a touch that moves', factTo('phone:p', { touch: aTouchpoint() }), false],
])('%s', (_name, value, purges) => {
  expect(stage.purges({ topic: 'journey-facts', value })).toBe(purges)
})
