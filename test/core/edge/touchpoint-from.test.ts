import {
  touchpointFrom,
  type EventContext,
  type EventVerdict,
} from '../../../services/core/edge/touchpoint-from'
import { eventFromQuery } from '../../../services/core/edge/pixel-event'
import { identifierKinds } from '../../../services/core/identity/node'
import type { Touchpoint } from '../../../services/core/records'
import { identifierTools as tools } from '../../support/edge-fakes'

const acceptedAt = 1_767_225_600_000
const minuteMs = 60_000
const dayMs = 86_400_000
const source = {
  name: 'shop-web',
  platform: '',
  shop: '',
  channel: 'web.landing',
  app: '',
  identifier_kinds: identifierKinds,
}

function verdictOf(event: unknown, context: Partial<EventContext> = {}): EventVerdict {
  return touchpointFrom(event, {
    source,
    acceptedAt,
    mintId: () => 'minted',
    tools,
    visitor: null,
    ...context,
  })
}

function touchOf(event: object, context: Partial<EventContext> = {}): Touchpoint {
  const { touchpoint, faults } = verdictOf({ type: 'click', ...event }, context)
  expect(faults).toEqual([])
  if (touchpoint === null) throw new Error('no touchpoint')
  return touchpoint
}

function faultsOf(event: object): string[] {
  const { touchpoint, faults } = verdictOf({ type: 'click', ...event })
  expect(touchpoint).toBeNull()
  return faults.map(({ field, fault }) => `${field}: ${fault}`)
}

function warningsOf(event: object): string[] {
  const { warnings } = verdictOf({ type: 'click', ...event })
  return warnings.map(({ field, fault }) => `${field}: ${fault}`)
}

test('an event becomes a touchpoint under the names of the record', () => {
  const event = {
    id: 'e-1',
    type: 'room_enter',
    at: acceptedAt - 1_000,
    channel: 'douyin.live',
    platform: 'douyin',
    shop: 'S1',
    room: 'r-1',
    streamer: '李佳',
    sku: 'SKU 1/红',
    utm_campaign: 'c',
    utm_source: 's',
    utm_medium: 'm',
    utm_content: 'o',
    utm_term: 't',
    link: 'L1',
    placement: 'comment',
    page: 'https://shop.example/p/1?phone=13812345678#top',
    referrer: 'https://www.baidu.com/s?wd=x',
  }
  expect(touchOf(event)).toEqual({
    source: 'shop-web',
    id: 'e-1',
    type: 'room_enter',
    at: acceptedAt - 1_000,
    sent_at: null,
    accepted_at: acceptedAt,
    identifiers: [],
    channel: 'douyin.live',
    platform: 'douyin',
    shop: 'S1',
    room: 'r-1',
    streamer: '李佳',
    video: '',
    sku: 'SKU 1/红',
    campaign: 'c',
    campaign_source: 's',
    medium: 'm',
    content: 'o',
    term: 't',
    link: 'L1',
    placement: 'comment',
    page: 'https://shop.example/p/1',
    referrer: 'www.baidu.com',
    shared_by: '',
  })
})

test('an event without an id gets one', () => {
  expect(touchOf({}).id).toBe('minted')
})

test('identifiers come out as keyed hashes, strongest first', () => {
  const { identifiers } = touchOf({
    identifiers: {
      visitor: 'v-1',
      device: 'd-1',
      user: { platform: 'Douyin', id: '77' },
      openid: [
        { app: 'wx1', id: 'o1' },
        { app: 'wx2', id: 'o2' },
      ],
      unionid: 'u-1',
      phone: '138 1234 5678',
      code: 'C-1',
    },
  })
  expect(identifiers.map((identifier) => identifier.replace(/:[^:]*$/, ''))).toEqual([
    'code',
    'phone',
    'unionid',
    'openid:wx1',
    'openid:wx2',
    'user:douyin',
    'device',
    'visitor',
  ])
  expect(identifiers.join()).not.toMatch(/13812345678|u-1|o1/)
})

test('one phone written in many ways is one identifier', () => {
  const written = ['13812345678', '+86 138-1234-5678', '0086 13812345678', '１３８１２３４５６７８']
  const { identifiers } = touchOf({ identifiers: { phone: written } })
  expect(identifiers).toEqual([tools.hash('phone', '', '+8613812345678')])
})

test('a value that names nobody is left out with a warning', () => {
  const event = { identifiers: { visitor: 'NULL', phone: '138****5678', device: '  ' } }
  expect(touchOf(event).identifiers).toEqual([])
  expect(warningsOf(event)).toEqual([
    'identifiers.phone: names nobody, ignored',
    'identifiers.device: names nobody, ignored',
    'identifiers.visitor: names nobody, ignored',
  ])
})

test('a relay with an extension or a service line is no person', () => {
  const event = {
    identifiers: { phone: ['17812345678-1234', '17812345678转1234', '400-800-8000'] },
  }
  expect(touchOf(event).identifiers).toEqual([])
  expect(warningsOf(event)).toHaveLength(3)
})

test('a phone that is none is a fault that does not repeat it', () => {
  expect(faultsOf({ identifiers: { phone: '1381234567' } })).toEqual([
    'identifiers.phone: is no phone number',
  ])
})

test('an identifier as a number is a fault: its digits may be lost already', () => {
  expect(faultsOf({ identifiers: { user: { platform: 'douyin', id: 7 } } })).toEqual([
    'identifiers.user: must be a string: numbers lose digits',
  ])
})

test('an openid needs its app, unless the source has one', () => {
  expect(faultsOf({ identifiers: { openid: 'o1' } })).toEqual([
    'identifiers.openid: needs app: 1 to 64 of a-z 0-9 _ -',
  ])
  const withApp = { source: { ...source, app: 'wx1' } }
  expect(touchOf({ identifiers: { openid: 'o1' } }, withApp).identifiers).toEqual([
    tools.hash('openid', 'wx1', 'o1'),
  ])
})

test("a bare user belongs to the event's platform", () => {
  const event = { platform: 'kuaishou', identifiers: { user: '9' } }
  expect(touchOf(event).identifiers).toEqual([tools.hash('user', 'kuaishou', '9')])
})

test.each([
  ['visitor:v-1', ['visitor', '', 'v-1']],
  ['openid:wx1:o1', ['openid', 'wx1', 'o1']],
  [{ unionid: 'u-1' }, ['unionid', '', 'u-1']],
] as const)('a sharer may be written %j', (shared_by, [kind, scope, value]) => {
  expect(touchOf({ shared_by }).shared_by).toBe(tools.hash(kind, scope, value))
})

test('a sharer nobody can read is a fault', () => {
  expect(faultsOf({ shared_by: 'somebody' })).toHaveLength(1)
  expect(faultsOf({ shared_by: ['visitor:v'] })).toHaveLength(1)
})

describe('given the visitor id of a cookie', () => {
  const known = { visitor: { id: 'cookie-id', fresh: false } }
  const fresh = { visitor: { id: 'cookie-id', fresh: true } }
  const hashed = tools.hash('visitor', '', 'cookie-id')

  test('it names the visitor of an event that names none', () => {
    expect(touchOf({}, known).identifiers).toEqual([hashed])
    expect(touchOf({ identifiers: { phone: '13812345678' } }, known).identifiers).toContain(hashed)
  })

  test("the event's own visitor goes before it", () => {
    const event = { identifiers: { visitor: 'own' } }
    expect(touchOf(event, known).identifiers).toEqual([tools.hash('visitor', '', 'own')])
  })

  test('a fresh one counts only for an event that names nobody else', () => {
    expect(touchOf({}, fresh).identifiers).toEqual([hashed])
    expect(touchOf({ identifiers: { device: 'd' } }, fresh).identifiers).not.toContain(hashed)
  })
})

describe('given the time of an event', () => {
  test.each([
    ['absent', {}, acceptedAt],
    ['as sent', { at: acceptedAt - 5 }, acceptedAt - 5],
    [
      'as sent, the clock being right',
      { at: acceptedAt - 5, sent_at: acceptedAt - 59_000 },
      acceptedAt - 5,
    ],
    [
      'moved, the clock being an hour ahead',
      { at: acceptedAt + 3_590_000, sent_at: acceptedAt + 3_600_000 },
      acceptedAt - 10_000,
    ],
    [
      'moved, the clock being two months behind',
      { at: acceptedAt - 61 * dayMs, sent_at: acceptedAt - 60 * dayMs },
      acceptedAt - dayMs,
    ],
    [
      'moved, the clock being centuries ahead',
      { at: acceptedAt + 200_000 * dayMs - 5, sent_at: acceptedAt + 200_000 * dayMs },
      acceptedAt - 5,
    ],
    ['30 days ago', { at: acceptedAt - 30 * dayMs }, acceptedAt - 30 * dayMs],
    ['5 minutes ahead', { at: acceptedAt + 5 * minuteMs }, acceptedAt + 5 * minuteMs],
  ])('it is taken: %s', (_case, event, at) => {
    expect(touchOf(event).at).toBe(at)
  })

  test.each([
    ['too old', { at: acceptedAt - 30 * dayMs - 1 }],
    ['too far ahead', { at: acceptedAt + 5 * minuteMs + 1 }],
    ['without a zone', { at: '2026-01-01T00:00:00' }],
    ['in seconds', { at: 1_767_225_600 }],
    ['no time at all', { at: true }],
  ])('it is a fault: %s', (_case, event) => {
    expect(faultsOf(event)).toEqual([expect.stringMatching(/^at: /)])
  })
})

test('a time of sending that no table can hold is left out with a warning', () => {
  const event = { sent_at: Date.UTC(2100, 0, 1) }
  expect(touchOf(event)).toMatchObject({ at: acceptedAt, sent_at: null })
  expect(warningsOf(event)).toEqual(['sent_at: lies after 2099, left out'])
  expect(touchOf({ sent_at: Date.UTC(2100, 0, 1) - 1 }).sent_at).toBe(Date.UTC(2100, 0, 1) - 1)
})

test.each([
  [{ type: 'clicked' }, /^type: must be one of impression/],
  [{ type: null }, /^type: /],
  [{ room: 7 }, /^room: must be a string: send ids as strings/],
  [{ room: {} }, /^room: must be a string$/],
  [{ room: 'r'.repeat(129) }, /^room: must have at most 128/],
  [{ room: 'a\u0000b' }, /^room: must not hold control/],
  [{ room: '\ud800' }, /^room: must not hold .*Unicode/],
  [{ channel: 'Douyin Live' }, /^channel: must be of a-z/],
  [{ identifiers: 'phone' }, /^identifiers: must be an object/],
  [
    { identifiers: { phone: Array(6).fill('13812345678') } },
    /^identifiers.phone: must be at most 5/,
  ],
  [{ identifiers: { device: 'x'.repeat(257) } }, /^identifiers.device: must have at most 256/],
  [{ page: `https://x.example/${'p'.repeat(1025)}` }, /^page: must have at most 1024/],
  [{ id: 5 }, /^id: must be a string/],
])('%j is refused', (event, words) => {
  expect(faultsOf(event)).toEqual([expect.stringMatching(words)])
})

test.each([[null], [7], ['event'], [[]], [undefined]])('%j is no event', (event) => {
  expect(verdictOf(event).faults).toEqual([{ field: 'event', fault: 'must be a JSON object' }])
})

test('every fault of an event is told at once', () => {
  expect(faultsOf({ type: 'x', at: 'y', room: 1 })).toHaveLength(3)
})

test('an event needs a channel when its source has none', () => {
  const { faults } = verdictOf({ type: 'click' }, { source: { ...source, channel: '' } })
  expect(faults).toEqual([{ field: 'channel', fault: 'missing, and the source has no default' }])
})

test('a misspelt field is warned of, its name shown only when it is one', () => {
  expect(warningsOf({ straemer: 'x', 'phone 13812345678': 1, identifiers: { fone: 'x' } })).toEqual(
    [
      expect.stringMatching(/^identifiers.fone: unknown kind/),
      'straemer: unknown field, ignored',
      '(unreadable name): unknown field, ignored',
    ],
  )
})

test('a mini-program path loses its query like any page', () => {
  expect(touchOf({ page: 'pages/room/index?scene=13812345678' }).page).toBe('pages/room/index')
  expect(touchOf({ page: 'https://u:p@shop.example:8443/a?b' }).page).toBe(
    'https://shop.example:8443/a',
  )
})

test('a referrer that is no address is left out with a warning', () => {
  expect(touchOf({ referrer: 'shop.example/a' }).referrer).toBe('shop.example')
  expect(warningsOf({ referrer: 'http://' })).toEqual(['referrer: is no address, ignored'])
})

test('the query of a pixel is an event with flat identifiers', () => {
  const query = new URLSearchParams(
    'channel=wechat.group&phone=%2B8613812345678&openid=o1&openid_app=wx1&user=7&at=1767225599000&room=r&room=s&_=99',
  )
  expect(eventFromQuery(query)).toEqual({
    type: 'page_view',
    channel: 'wechat.group',
    at: 1_767_225_599_000,
    room: 'r',
    identifiers: { phone: '+8613812345678', openid: { app: 'wx1', id: 'o1' }, user: '7' },
  })
})

test('a kind that the source may not name is left out, in an event and in who shared it', () => {
  const event = {
    type: 'click',
    identifiers: { code: 'C-1', phone: '13812345678', device: 'd' },
    shared_by: 'code:C-2',
  }
  const visitorsOnly = { ...source, identifier_kinds: ['device', 'visitor'] as const }
  const { touchpoint, faults, warnings } = verdictOf(event, { source: visitorsOnly })
  expect(faults).toEqual([])
  expect(touchpoint).toMatchObject({
    identifiers: [tools.hash('device', '', 'd')],
    shared_by: '',
  })
  expect(warnings.map(({ field }) => field)).toEqual([
    'identifiers.code',
    'identifiers.phone',
    'shared_by.code',
  ])
})

test('an answer is no longer than an event deserves, however many unknown kinds it names', () => {
  const identifiers = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, kind) => [`kind-${kind}`, 'x']),
  )
  expect(warningsOf({ identifiers })).toHaveLength(20)
})

test('blanks are no id and no channel, and none are left where a query was cut off', () => {
  expect(touchOf({ page: '/a ?b=c' })).toMatchObject({ page: '/a' })
  expect(touchOf({ id: ' ', channel: '\t' })).toMatchObject({
    id: 'minted',
    channel: 'web.landing',
  })
  const { faults } = verdictOf(
    { type: 'click', channel: ' ' },
    { source: { ...source, channel: '' } },
  )
  expect(faults.map(({ field }) => field)).toEqual(['channel'])
})
