// Bad JSON of every kind: wrong values in right places, and text that no serialiser would write.
import fc from 'fast-check'

/** What names somebody, and therefore must never be seen behind the edge, in an answer or in a log. They stand only
 * where identifiers and contacts stand. */
export const rawValues = [
  '13812345678',
  '+8613987654321',
  'raw-device-7f3a',
  'raw-unionid-91bc',
  'raw-openid-55de',
  'raw-code-C100',
  'Zhang San 张三',
] as const

const raw = fc.constantFrom(...rawValues)

const deep = (depth: number): unknown =>
  JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown

const awkwardTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  'line\nbreak',
  '\ud800',
  'x\udfff',
  '\u202eevil',
  'e\u0301'.repeat(40),
  '👩‍👩‍👧‍👦'.repeat(30),
  'x'.repeat(129),
  'x'.repeat(1_025),
  'x'.repeat(9_000),
  '__proto__',
  'constructor',
  'null',
  'anonymous',
  '0',
  '-1',
  '1e999',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '{{7*7}}',
  '../../etc/passwd',
  'https://user:pw@shop.example/a?phone=1#x',
  'http://[::1',
  'javascript:alert(1)',
  '2026-01-01T00:00:00',
  '2026-02-30T25:61:61+99:00',
] as const

const awkwardNumbers = [
  0,
  -0,
  -1,
  0.1,
  1.5,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  1e21,
  1e300,
  5e-324,
  10_000_000_000_001,
  99_999_999_999_999,
] as const

export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...awkwardTexts),
  // Any code units, so also halves of characters.
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
)

/** A value that has no business where it stands. */
export const awkwardValue: fc.Arbitrary<unknown> = fc.oneof(
  awkwardText,
  fc.constantFrom<unknown>(...awkwardNumbers),
  fc.constantFrom<unknown>(null, true, false, {}, [], [[]], [null], { a: { b: {} } }),
  fc.constantFrom<unknown>(
    deep(200),
    Array(300).fill('x'),
    Object.fromEntries([['__proto__', { polluted: true }]]),
    Object.fromEntries([['constructor', { prototype: { polluted: true } }]]),
    { toString: 'x', valueOf: 1, length: -1, then: 'x', toJSON: 'x' },
  ),
  fc.double(),
  fc.maxSafeInteger(),
)

/** What stands where somebody is named: mostly somebody. */
export const named: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: raw },
  { weight: 1, arbitrary: fc.array(raw, { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.record({ app: fc.constantFrom('wx1', 'WX', '', 'a b'), id: raw }) },
  { weight: 1, arbitrary: fc.record({ platform: fc.constantFrom('douyin', ''), id: raw }) },
  { weight: 1, arbitrary: awkwardValue },
)

/** One change to an object: a field gets another value, under its own or another name. */
export function editOf(fields: readonly string[]): fc.Arbitrary<readonly [string, unknown]> {
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...fields) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', '坏', ''),
    },
    { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
  )
  return fc.tuple(name, awkwardValue)
}

/** The object with its fields replaced, `__proto__` as a field like any other. */
export function edited(base: object, edits: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries([...Object.entries(base), ...edits])
}

/** What is done to the text of a body; most are left alone, so that their values get to the rules. */
export const textMutation: fc.Arbitrary<(json: string) => Buffer> = fc.oneof(
  { weight: 14, arbitrary: fc.constant((json: string) => Buffer.from(json)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<(json: string) => Buffer>(
      (json) => Buffer.from(json.replace('{', '{"id":"twice","paid_minor":1,"type":"scan",')),
      (json) => Buffer.from(json.replace(/\d+/, '1e999')),
      (json) => Buffer.from(json.replace(/\d+/, '00012')),
      (json) => Buffer.from(json.replace(/\d+/, '9007199254740993')),
      (json) => Buffer.from(json.replace(/"[^"]*"/, '"\\ud800"')),
      (json) => Buffer.from(`\ufeff${json}`),
      (json) => Buffer.from(json, 'utf16le'),
      (json) => Buffer.from(json, 'latin1'),
      (json) => Buffer.from(`${json}${json}`),
      (json) => Buffer.from(`[${json},]`),
      (json) => Buffer.from(`/* x */${json}`),
      (json) => Buffer.from(json.replaceAll('"', "'")),
      (json) => Buffer.from(`${'['.repeat(20_000)}${json}`),
      () => Buffer.from(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
      (json) => Buffer.from(`{"events":${json}}`),
      () => Buffer.alloc(0),
      () => Buffer.from('null'),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(10_000), fc.nat(255)).map(([at, byte]) => (json: string): Buffer => {
      const bytes = Buffer.from(json)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    }),
  },
  {
    weight: 1,
    arbitrary: fc.nat(10_000).map((at) => (json: string): Buffer => {
      const bytes = Buffer.from(json)
      return bytes.subarray(0, at % (bytes.length + 1))
    }),
  },
)
