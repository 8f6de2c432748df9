import type { IncomingMessage } from 'node:http'
import { clientAddress } from '../../services/runtime/client-address'
import { createRateLimits } from '../../services/runtime/rate-limits'

const rate = { perSecond: 1, burstSeconds: 1 }

test('each key has a bucket of its own', () => {
  const limits = createRateLimits(10, () => 0)
  expect(limits.take('a', { rate, cost: 1 })).toBe(0)
  expect(limits.take('a', { rate, cost: 1 })).toBe(1_000)
  expect(limits.wait('a', rate)).toBe(1_000)
  expect(limits.take('b', { rate, cost: 1 })).toBe(0)
})

test('a hundred thousand keys are remembered in the room of ten, the busy ones among them', () => {
  const limits = createRateLimits(10, () => 0)
  for (let key = 0; key < 100_000; key += 1) {
    limits.take(String(key), { rate, cost: 1 })
    if (key % 5 === 0) limits.take('busy', { rate, cost: 1 })
  }
  const remembered = Array.from({ length: 100_000 }, (_, key) => limits.wait(String(key), rate) > 0)
  expect(remembered.filter(Boolean)).toHaveLength(9)
  expect(limits.wait('busy', rate)).toBe(1_000)
})

test.each([
  ['the peer', '203.0.113.7', undefined, false, '203.0.113.7'],
  ['the peer, whatever a client claims', '203.0.113.7', '1.2.3.4', false, '203.0.113.7'],
  ['what the trusted proxy added', '10.0.0.1', '1.2.3.4, 198.51.100.9', true, '198.51.100.9'],
  ['the peer where the proxy added nonsense', '10.0.0.1', 'x', true, '10.0.0.1'],
  ['an IPv4 address however it is written', '::ffff:203.0.113.7', undefined, false, '203.0.113.7'],
  ['the network of an IPv6 address', '2001:db8:0:1::7', undefined, false, '2001:db8:0:1::/64'],
  [
    'the same network written otherwise',
    '2001:0DB8::1:0:0:0:7',
    undefined,
    false,
    '2001:db8:0:1::/64',
  ],
  ['this machine', '::1', undefined, false, '0:0:0:0::/64'],
])('a client is %s', (_what, peer, forwarded, trusted, address) => {
  const request = {
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage
  expect(clientAddress(request, trusted)).toBe(address)
})
