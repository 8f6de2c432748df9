import { createHmac } from 'node:crypto'
import { checkSignature, signatureOf } from '../../services/order-gateway/signature'

const now = 1_767_225_600
const body = Buffer.from('{"order_id":"1"}')
const hex = (secret: string, at = now, bytes = body): string =>
  signatureOf(secret, at, bytes).toString('hex')

function check(header: string | undefined, given: { secrets?: string[]; ageMax?: number } = {}) {
  return checkSignature({
    header,
    body,
    secrets: given.secrets ?? ['secret-a', 'secret-b'],
    nowMs: now * 1000,
    ageMaxSeconds: given.ageMax ?? 300,
  })
}

test('the signature is HMAC-SHA256 over time, dot and raw body', () => {
  const expected = createHmac('sha256', 'secret-a').update(`${now}.{"order_id":"1"}`).digest('hex')
  expect(hex('secret-a')).toBe(expected)
})

test.each([
  ['the first secret', `t=${now},v1=${hex('secret-a')}`],
  ['the second secret', `t=${now},v1=${hex('secret-b')}`],
  ['blanks and capitals', `t=${now}, v1=${hex('secret-a').toUpperCase()}`],
  ['an old and a new signature', `t=${now},v1=${hex('gone')},v1=${hex('secret-b')}`],
  ['300 s ago', `t=${now - 300},v1=${hex('secret-a', now - 300)}`],
  ['300 s ahead', `t=${now + 300},v1=${hex('secret-a', now + 300)}`],
])('a signature passes: %s', (_case, header) => {
  expect(check(header)).toHaveProperty('signed')
})

test.each([
  ['none', undefined, /must be t=/],
  ['empty', '', /must be t=/],
  ['no time', `v1=${hex('secret-a')}`, /must be t=/],
  ['two times', `t=${now},t=${now},v1=${hex('secret-a')}`, /must be t=/],
  ['no signature', `t=${now}`, /must be t=/],
  ['six signatures', `t=${now}${`,v1=${hex('secret-a')}`.repeat(6)}`, /must be t=/],
  ['not hex', `t=${now},v1=${'z'.repeat(64)}`, /must be t=/],
  ['too short', `t=${now},v1=${hex('secret-a').slice(2)}`, /must be t=/],
  ['another secret', `t=${now},v1=${hex('secret-c')}`, /^wrong signature$/],
  ['another body', `t=${now},v1=${hex('secret-a', now, Buffer.from('{}'))}`, /^wrong signature$/],
  ['another time', `t=${now + 1},v1=${hex('secret-a')}`, /^wrong signature$/],
  ['301 s ago', `t=${now - 301},v1=${hex('secret-a', now - 301)}`, /signed 301 s ago.*clock/],
  ['301 s ahead', `t=${now + 301},v1=${hex('secret-a', now + 301)}`, /signed 301 s ahead/],
])('a signature is refused: %s', (_case, header, words) => {
  expect(check(header)).toEqual({ fault: expect.stringMatching(words) as string })
})

test('one request signed with two secrets is one request', () => {
  const both = `t=${now},v1=${hex('secret-a')},v1=${hex('secret-b')}`
  expect(check(both)).toEqual(check(both))
})
