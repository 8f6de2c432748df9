import { createSeal, openSealed } from '../../services/runtime/seal'

const keys = new Map([
  ['k1', Buffer.alloc(32, 1)],
  ['k2', Buffer.alloc(32, 2)],
])
const seal = createSeal(keys, 'k1')

test('what is sealed opens with its key and its order, also after the current key changed', () => {
  const field = seal('{"name":"张三"}', 'douyin:S1:1')
  expect(field.key_id).toBe('k1')
  expect(openSealed(keys, field, 'douyin:S1:1')).toBe('{"name":"张三"}')
})

test('the same text of the same order seals to the same bytes, any other to others', () => {
  const bytes = (text: string, order: string): string =>
    Buffer.from(seal(text, order).data).toString('hex')
  expect(bytes('a', 'o:1')).toBe(bytes('a', 'o:1'))
  const nonces = [bytes('a', 'o:1'), bytes('a', 'o:2'), bytes('b', 'o:1')].map((hex) =>
    hex.slice(0, 24),
  )
  expect(new Set(nonces).size).toBe(3)
})

test('a sealed field does not open for another order, changed, cut short or with an unknown key', () => {
  const field = seal('text', 'o:1')
  const changed = Buffer.from(field.data)
  changed[14] = (changed[14] ?? 0) ^ 1
  const broken = [
    openSealed(keys, field, 'o:2'),
    openSealed(keys, { ...field, data: changed }, 'o:1'),
    openSealed(keys, { ...field, data: changed.subarray(0, 20) }, 'o:1'),
    openSealed(keys, { ...field, key_id: 'k2' }, 'o:1'),
    openSealed(keys, { ...field, key_id: 'k3' }, 'o:1'),
  ]
  for (const outcome of broken) expect(outcome).toMatchObject({ rejected: 'invalid' })
})

test('no key, no seal', () => {
  expect(() => createSeal(keys, 'k9')).toThrow('no seal key k9')
})
