import { decidePersons, ownerOf, ownerOfOrder } from '../../../services/core/identity/decide'

function persons(sets: readonly (readonly string[])[], hubs: readonly string[] = []) {
  return Object.fromEntries(decidePersons(sets, new Set(hubs)).personOf)
}

test.each([
  [
    'two phones are two persons, whatever they share',
    [
      ['phone:a', 'unionid:u'],
      ['phone:b', 'unionid:u'],
    ],
    { 'phone:a': 'phone:a', 'phone:b': 'phone:b', 'unionid:u': 'unionid:u' },
  ],
  [
    'two phones are one person through a customer code',
    [
      ['code:c', 'phone:a'],
      ['code:c', 'phone:b'],
    ],
    { 'code:c': 'code:c', 'phone:a': 'code:c', 'phone:b': 'code:c' },
  ],
  [
    'a phone seen with two codes stands alone',
    [
      ['code:c', 'phone:a'],
      ['code:d', 'phone:a'],
    ],
    { 'code:c': 'code:c', 'code:d': 'code:d', 'phone:a': 'phone:a' },
  ],
  [
    'a visitor joins the phone its openid was seen with',
    [
      ['openid:x:o', 'visitor:v'],
      ['phone:a', 'openid:x:o'],
    ],
    { 'phone:a': 'phone:a', 'openid:x:o': 'phone:a', 'visitor:v': 'phone:a' },
  ],
  [
    'a shared tablet at equal distance from two phones belongs to neither',
    [
      ['phone:a', 'visitor:v'],
      ['phone:b', 'visitor:v'],
    ],
    { 'phone:a': 'phone:a', 'phone:b': 'phone:b', 'visitor:v': 'visitor:v' },
  ],
  [
    'the nearer phone wins',
    [
      ['phone:a', 'device:d'],
      ['device:d', 'visitor:v'],
      ['phone:b', 'visitor:v'],
    ],
    { 'phone:a': 'phone:a', 'phone:b': 'phone:b', 'device:d': 'phone:a', 'visitor:v': 'phone:b' },
  ],
  [
    'without a phone or code the connected identifiers are the person, named by the strongest',
    [
      ['openid:x:o', 'visitor:v'],
      ['openid:x:o', 'visitor:w'],
    ],
    { 'openid:x:o': 'openid:x:o', 'visitor:v': 'openid:x:o', 'visitor:w': 'openid:x:o' },
  ],
])('%s', (_, sets, expected) => {
  expect(persons(sets)).toEqual(expected)
})

test('a hub joins nobody', () => {
  const sets = [
    ['phone:a', 'visitor:hub'],
    ['visitor:hub', 'visitor:v'],
  ]
  expect(persons(sets, ['visitor:hub'])).toEqual({ 'phone:a': 'phone:a', 'visitor:v': 'visitor:v' })
})

test('the contested are named', () => {
  const { contested } = decidePersons(
    [
      ['phone:a', 'visitor:v'],
      ['phone:b', 'visitor:v'],
    ],
    new Set(),
  )
  expect([...contested]).toEqual(['visitor:v'])
})

test('a touchpoint belongs to the person of its strongest identifier that is no hub', () => {
  const decided = decidePersons([['phone:a', 'openid:x:o']], new Set(['unionid:hub']))
  expect(ownerOf(['unionid:hub', 'openid:x:o'], decided)).toBe('phone:a')
})

test('a touchpoint of hubs only stays with the first, an order of hubs only stands alone', () => {
  const decided = decidePersons([], new Set(['phone:hub', 'user:douyin:hub']))
  expect(ownerOf(['phone:hub', 'user:douyin:hub'], decided)).toBe('phone:hub')
  expect(ownerOfOrder('order:douyin:shop:1', ['phone:hub'], decided)).toBe('order:douyin:shop:1')
  expect(ownerOfOrder('order:douyin:shop:1', [], decided)).toBe('order:douyin:shop:1')
})
