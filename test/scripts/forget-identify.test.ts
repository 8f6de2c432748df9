// Whom an operator means, told as people write it, is who the edges have hashed; and no fault quotes it.
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { readArguments } from '../../scripts/forget/arguments'
import { checkHashed, hashIdentifier } from '../../scripts/forget/identify'

const key = Buffer.alloc(32, 7)
const hash = createIdentifierHash(key)
const settings = { IDENTIFIER_HASH_KEY: key, DEFAULT_COUNTRY: 'CN' }

test.each([
  ['phone:13812345678', hash('phone', '', '+8613812345678')],
  ['phone:+86 138-1234-5678', hash('phone', '', '+8613812345678')],
  ['openid:Mini:oAbC', hash('openid', 'mini', 'oAbC')],
  ['user:douyin:123', hash('user', 'douyin', '123')],
  ['visitor: v-1 ', hash('visitor', '', 'v-1')],
])('%s', (text, identifier) => {
  expect(hashIdentifier(text, settings)).toBe(identifier)
  expect(checkHashed(identifier)).toBe(identifier)
})

test.each([
  ['phone:1381234', 'identifier.phone is no phone number'],
  ['visitor:anonymous', 'identifier.visitor names nobody, ignored'],
  ['13812345678', /^say kind:value/],
  ['openid:oAbC', /^say kind:value/],
])('%s is nobody', (text, fault) => {
  expect(() => hashIdentifier(text, settings)).toThrow(fault)
})

test('a hash that is none is refused', () => {
  expect(() => checkHashed('phone:13812345678')).toThrow(/--hashed/)
})

test('no fault of the command line quotes what was given', () => {
  const given = ['phone:13900001111', '--hashd', 'phone:13900001111']
  expect(() => readArguments(given)).toThrow(/^usage/)
  expect(() => readArguments(given)).not.toThrow(/1390000/)
})

test('an identifier is not taken as an argument, beside a hash neither', () => {
  const refused = /^an identifier is not taken as an argument/
  expect(() => readArguments(['phone:13900001111'])).toThrow(refused)
  expect(() => readArguments(['phone:13900001111'])).not.toThrow(/1390000/)
  expect(() => readArguments(['visitor:a', '--hashed', 'b'])).toThrow(refused)
  expect(readArguments(['--hashed', 'phone:abc', '--yes'])).toMatchObject({ hashed: 'phone:abc' })
})
