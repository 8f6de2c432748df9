// Requests at both edges: events and orders that are nearly right, and everything around them.
import fc from 'fast-check'
import { signatureOf } from '../../services/order-gateway/signature'
import {
  awkwardText,
  awkwardValue,
  edited,
  editOf,
  named,
  rawValues,
  textMutation,
} from './arbitrary-json'
import { collectorKeys, gatewaySecret, now } from './fuzzed-edges'

/** The first nine times in ten. */
export function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
}

export const short = fc.string({ minLength: 1, maxLength: 12 })
export const code = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/)
const recent = fc.integer({ min: now - 40 * 86_400_000, max: now + 600_000 })

const event = fc.record(
  {
    id: short,
    type: fc.constantFrom('card_click', 'room_enter', 'scan', 'click', 'form', 'share'),
    channel: code,
    at: recent,
    sent_at: recent,
    platform: code,
    shop: code,
    room: short,
    streamer: short,
    sku: short,
    utm_campaign: short,
    utm_source: short,
    link: short,
    // More than one question mark: a byte that is changed makes none of them a part of the path.
    page: fc.constantFrom(
      'https://shop.example/a?b?c?d?phone=13700001111',
      '/b?c?d?e?openid=raw-openid-55de#raw-code-C100',
    ),
    referrer: fc.constantFrom('https://wx.example/x?u=raw-unionid-91bc', 'shop.example'),
    identifiers: fc.dictionary(
      fc.constantFrom('phone', 'unionid', 'openid', 'user', 'device', 'visitor', 'code', 'email'),
      named,
      { maxKeys: 4 },
    ),
    shared_by: fc.oneof(
      fc.dictionary(fc.constantFrom('unionid', 'openid', 'code'), named, { maxKeys: 2 }),
      fc.constantFrom('openid:wx1:raw-openid-55de', 'code:raw-code-C100', 'nobody'),
    ),
  },
  { requiredKeys: ['type', 'channel'] },
)
const eventNames = [
  'id',
  'type',
  'at',
  'sent_at',
  'channel',
  'platform',
  'shop',
  'room',
  'sku',
  'page',
]
const moreNames = [
  'referrer',
  'identifiers',
  'shared_by',
  'utm_campaign',
  'link',
  'events',
  'write_key',
]

/** None, as often as some: what is right must get through beside what is wrong. */
export function edits(names: readonly string[]): fc.Arbitrary<(readonly [string, unknown])[]> {
  return fc.oneof(
    fc.constant<(readonly [string, unknown])[]>([]),
    fc.array(editOf(names), { minLength: 1, maxLength: 3 }),
  )
}

/** How far a client's clock is off, up to the last time a Date holds. */
const clockErrorMs = fc.oneof(
  { weight: 9, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -now, max: 8.6e15 - now }) },
)

const badEvent = fc
  .tuple(event, clockErrorMs, edits([...eventNames, ...moreNames]))
  .map(([base, errorMs, changes]) => edited(shifted(base, errorMs), changes))

function shifted<Event extends { readonly at?: number; readonly sent_at?: number }>(
  base: Event,
  errorMs: number,
): Event {
  const { at, sent_at } = base
  return {
    ...base,
    ...(at === undefined ? {} : { at: at + errorMs }),
    ...(sent_at === undefined ? {} : { sent_at: sent_at + errorMs }),
  }
}

const eventsBody: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: badEvent },
  { weight: 3, arbitrary: fc.array(badEvent, { maxLength: 4 }) },
  {
    weight: 3,
    arbitrary: fc.record({
      events: fc.array(badEvent, { maxLength: 3 }),
      sent_at: fc.oneof(recent, awkwardValue),
      write_key: fc.constantFrom(...collectorKeys, 'wrong'),
    }),
  },
  { weight: 1, arbitrary: awkwardValue },
)

const line = fc.record(
  {
    line_id: code,
    sku: short,
    title: short,
    quantity: mostly(1, 0, 2),
    paid_minor: fc.integer({ min: 0, max: 500 }),
    refunded_minor: mostly(0, 20),
    refunded_quantity: fc.integer({ min: 0, max: 1 }),
    warehouse: code,
    claim: fc.record({ channel: code, room: short }, { requiredKeys: ['channel'] }),
  },
  { requiredKeys: ['line_id', 'sku', 'quantity', 'paid_minor'] },
)
const words = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...rawValues, '杭州') },
  { weight: 1, arbitrary: awkwardValue },
)
const address = fc.oneof(
  words,
  fc.dictionary(fc.constantFrom('province', 'city', 'district', 'street', 'postal_code'), words),
)
const receiver = fc.record({ name: words, phone: words, address }, { requiredKeys: [] })
const buyer = fc.record(
  { name: words, phone: words, address, unionid: named, openid: named, user: named, code: named },
  { requiredKeys: [] },
)
const order = fc
  .record(
    {
      order_id: code,
      shop: mostly('S1', 'S2', 'S3'),
      status: mostly('paid', 'created', 'shipped', 'refunded', 'cancelled', 'nonsense'),
      kind: fc.constantFrom('sale', 'sample', 'gift'),
      currency: mostly('CNY', 'USD', 'XXY', 'cny'),
      created_at: fc.constant(now - 60_000),
      paid_at: mostly(now - 50_000, null),
      updated_at: mostly(now - 40_000, now - 70_000, now + 900_000),
      freight_minor: fc.integer({ min: 0, max: 10 }),
      settlement: fc.constantFrom('unsettled', 'settled'),
      lines: fc.uniqueArray(line, { maxLength: 3, selector: (one) => one.line_id }),
      buyer,
      receiver,
      receiver_is_buyer: fc.boolean(),
    },
    {
      requiredKeys: [
        ...(['order_id', 'shop', 'status', 'currency', 'created_at', 'paid_at'] as const),
        ...(['updated_at', 'lines'] as const),
      ],
    },
  )
  .map((given) => ({
    ...given,
    // Right as a rule, so that the rules behind the sums are reached.
    paid_minor: given.lines.reduce(
      (sum, { paid_minor: paid }) => sum + paid,
      given.freight_minor ?? 0,
    ),
    refunded_minor: given.lines.reduce((sum, { refunded_minor: back = 0 }) => sum + back, 0),
  }))
const orderNames = ['order_id', 'shop', 'platform', 'status', 'kind', 'currency', 'created_at']
const moneyNames = [
  'paid_at',
  'updated_at',
  'paid_minor',
  'refunded_minor',
  'freight_minor',
  'lines',
]
const otherNames = [
  'settlement',
  'settled_minor',
  'claim',
  'buyer',
  'receiver',
  'receiver_is_buyer',
]

const badOrder = fc
  .tuple(
    order,
    edits([...orderNames, ...moneyNames, ...otherNames]),
    edits(['line_id', 'sku', 'quantity', 'paid_minor', 'refunded_minor', 'claim']),
  )
  .map(([base, changes, lineChanges]) =>
    edited(
      { ...base, lines: base.lines.map((one, at) => (at === 0 ? edited(one, lineChanges) : one)) },
      changes,
    ),
  )
const ordersBody: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: badOrder },
  { weight: 2, arbitrary: fc.array(badOrder, { maxLength: 4 }) },
  { weight: 1, arbitrary: awkwardValue },
)

/** Header values cannot hold line ends: those are another fuzzer's. */
const headerText = awkwardText.map((text) =>
  Buffer.from(text.replace(/[^\x20-\x7e\u0080-\uffff]/g, '').slice(0, 2_000)).toString('latin1'),
)

/** JSON cannot say undefined. */
function jsonOf(body: unknown): string {
  return body === undefined ? '' : JSON.stringify(body)
}

interface Head {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
}

function requestBytes({ method, target, headers }: Head, body: Buffer, chunkSize: number): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const framing =
    chunkSize > 0 ? 'transfer-encoding: chunked\r\n' : `content-length: ${body.length}\r\n`
  const head = `${method} ${target} HTTP/1.1\r\nhost: edge\r\n${lines}${framing}\r\n`
  if (chunkSize === 0) return Buffer.concat([Buffer.from(head, 'latin1'), body])
  const parts: Buffer[] = [Buffer.from(head, 'latin1')]
  for (let at = 0; at < body.length; at += chunkSize) {
    const chunk = body.subarray(at, at + chunkSize)
    parts.push(Buffer.from(`${chunk.length.toString(16)};x=y\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nx-trailer: y\r\n\r\n')])
}

const chunkSize = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(3, 100, 5_000) },
)
const contentType = fc.constantFrom(
  'application/json',
  'text/plain;charset=UTF-8',
  'multipart/form-data; boundary=x',
  'application/xml',
  '',
)
const origin = fc.constantFrom(
  [],
  [],
  [],
  [['origin', 'https://shop.example']],
  [['origin', 'https://evil.example']],
  [['origin', 'null']],
  [['origin', 'http://edge']],
) as fc.Arbitrary<(readonly [string, string])[]>
const extra = fc.oneof(
  { weight: 8, arbitrary: fc.constant<(readonly [string, string])[]>([]) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<(readonly [string, string])[]>(
      [['content-encoding', 'gzip']],
      [['content-encoding', 'identity']],
      [['expect', '100-continue']],
      [
        ['x-write-key', 'wrong'],
        ['x-write-key', 'wrong'],
      ],
      [['x-forwarded-for', '1.2.3.4, nonsense']],
      [['x-forwarded-for', '2001:db8::1']],
      [['cookie', 'tv=11111111-2222-4333-8444-555555555555; tv=x']],
      [['cookie', `tv=${'x'.repeat(3_000)}`]],
      [['connection', 'close, te']],
      [
        ['upgrade', 'websocket'],
        ['connection', 'upgrade'],
      ],
      [
        ['accept-encoding', 'gzip'],
        ['range', 'bytes=0-1'],
        ['if-none-match', '*'],
      ],
    ),
  },
  { weight: 1, arbitrary: headerText.map((text) => [['x-odd', text]] as [string, string][]) },
)

/** POST /collect with a body that is nearly right. */
export const collectRequest: fc.Arbitrary<Buffer> = fc
  .tuple(
    eventsBody,
    textMutation,
    fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom(...collectorKeys) },
      { weight: 1, arbitrary: headerText },
    ),
    mostly('header', 'query', 'none'),
    fc.tuple(contentType, origin, extra, chunkSize),
  )
  .map(([body, mutate, key, place, [type, origins, extras, size]]) => {
    const target = place === 'query' ? `/collect?write_key=${encodeURIComponent(key)}` : '/collect'
    const keys: [string, string][] = place === 'header' ? [['x-write-key', key]] : []
    const headers = [['content-type', type] as const, ...keys, ...origins, ...extras]
    return requestBytes({ method: 'POST', target, headers }, mutate(jsonOf(body)), size)
  })

/** GET /p.gif with an odd query. */
export const pixelRequest: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.oneof(
          fc.constantFrom(...eventNames, 'phone', 'openid', 'openid_app', 'user', 'code', '_'),
          awkwardText,
        ),
        fc.oneof(short, awkwardText, fc.constantFrom('click', 'scan', String(now))),
      ),
      { maxLength: 6 },
    ),
    fc.constantFrom(...collectorKeys, 'wrong'),
    origin,
    fc.constantFrom('', '%', '%zz=%ff&', '&&==&', '\u00e9=\u00ff', 'write_key=wrong&'),
  )
  .map(([pairs, key, headers, odd]) => {
    const query = new URLSearchParams(
      pairs.map(([name, value]): [string, string] => [name.slice(0, 500), value.slice(0, 1_000)]),
    )
    const target = `/p.gif?write_key=${key}&channel=web.fuzz&${odd}${query.toString().slice(0, 6_000)}`
    return requestBytes({ method: 'GET', target, headers }, Buffer.alloc(0), 0)
  })

/** A body that is nearly right, with a signature that mostly is. */
export function signedRequest(
  body: fc.Arbitrary<unknown>,
  path: fc.Arbitrary<string>,
  source: fc.Arbitrary<string>,
): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      body,
      textMutation,
      mostly('right', 'old', 'forged', 'odd', 'none'),
      fc.tuple(contentType, extra, chunkSize, headerText),
      fc.tuple(path, source),
    )
    .map(([given, mutate, signing, [type, extras, size, odd], names]) => {
      const bytes = mutate(jsonOf(given))
      const at = signing === 'old' ? now / 1_000 - 301 : now / 1_000
      const secret = signing === 'forged' ? 'forged-secret-012345' : gatewaySecret
      const signature = `t=${at},v1=${signatureOf(secret, at, bytes).toString('hex')}`
      const signatures: [string, string][] =
        signing === 'none' ? [] : [['x-tributary-signature', signing === 'odd' ? odd : signature]]
      const headers = [['content-type', type] as const, ...signatures, ...extras]
      return requestBytes({ method: 'POST', target: `/${names.join('/')}`, headers }, bytes, size)
    })
}

/** POST /orders/… */
export const orderRequest = signedRequest(
  ordersBody,
  fc.constant('orders'),
  mostly('main', 'many', 'many', 'nobody', '__proto__', '%00', 'main%2f..'),
)

/** Any method at any path. */
export const strayRequest: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'),
    fc.oneof(
      fc.constantFrom(
        ...['/', '//', '/collect/', '//collect', '/COLLECT', '/%63ollect', '/collect/..', '/p.gif'],
        ...['/orders', '/orders/', '/orders/main/x', '/orders/%ff', '/orders/%', '/../etc/passwd'],
        ...['/figures', '/figures/ad-spend', '/figures/ad-spend/', '/figures/toString/main'],
        ...['/metrics', '/live', '/robots.txt', '/collect?write_key=%ff', '/collect?a&b=&=c', '*'],
        ...['/?__proto__[polluted]=true', '/orders/constructor', '/.env', 'http://evil/collect'],
      ),
      fc.stringMatching(/^\/[!-~]{0,40}$/),
    ),
    fc.tuple(origin, extra),
    fc.constantFrom('', '{}', 'x'.repeat(3_000)),
  )
  .map(([method, target, [origins, extras], body]) =>
    requestBytes({ method, target, headers: [...origins, ...extras] }, Buffer.from(body), 0),
  )
