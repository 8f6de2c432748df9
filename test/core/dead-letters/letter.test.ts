import {
  addDecision,
  addLetter,
  letterFrom,
  matches,
  originOfId,
  stateOf,
  type BuriedRecord,
  type Decision,
  type Letter,
  type LetterFilter,
} from '../../../services/core/dead-letters/letter'
import { deadLetterHeaders, replayHeaders } from '../../../services/core/topics'

function buried(given: Partial<BuriedRecord> = {}): BuriedRecord {
  return {
    offset: 5,
    key: Buffer.from('phone:p1'),
    value: Buffer.from('bytes'),
    timestampMs: 1_000,
    ...given,
    headers: {
      [deadLetterHeaders.topic]: 'touchpoints',
      [deadLetterHeaders.partition]: '2',
      [deadLetterHeaders.offset]: '17',
      [deadLetterHeaders.stage]: 'journey',
      [deadLetterHeaders.reason]: 'undecodable',
      [deadLetterHeaders.detail]: 'truncated',
      ...given.headers,
    },
  }
}

function decision(outcome: string, takenAtMs: number): Decision {
  const letter = 'touchpoints:2:17:journey'
  return { outcome: { letter, outcome, why: '', decided_by: 'me', decided_at: 0 }, takenAtMs }
}

test('a letter is called by where its record was refused and by whom', () => {
  expect(letterFrom(buried())).toMatchObject({
    id: 'touchpoints:2:17:journey',
    origin: { topic: 'touchpoints', partition: 2, offset: 17 },
    stage: 'journey',
    reason: 'undecodable',
    detail: 'truncated',
    replayOf: null,
    valueBytes: 5,
  })
  expect(originOfId('touchpoints:2:17:journey')).toEqual({
    topic: 'touchpoints',
    partition: 2,
    offset: 17,
  })
  expect(originOfId('touchpoints:2')).toBeNull()
})

test('a letter that does not say where it comes from is still called something', () => {
  const stray = letterFrom(buried({ headers: { [deadLetterHeaders.offset]: 'seventeen' } }))
  expect(stray).toMatchObject({ id: 'dead-letters:0:5:unknown', origin: null })
})

test('a record buried twice is one letter, known by its last burial', () => {
  const letters = new Map<string, Letter>()
  addLetter(letters, letterFrom(buried()))
  addLetter(letters, letterFrom(buried({ offset: 9, timestampMs: 2_000 })))
  expect([...letters.values()]).toMatchObject([{ offset: 9, buriedAtMs: 2_000, burials: 2 }])
})

test('a letter is open until it is decided about, and again when it was refused once more after that', () => {
  const letter = letterFrom(buried())
  expect(stateOf(letter, undefined)).toBe('open')
  expect(stateOf(letter, decision('replayed', 1_000))).toBe('replayed')
  expect(stateOf(letter, decision('dropped', 1_001))).toBe('dropped')
  expect(stateOf({ ...letter, buriedAtMs: 1_002 }, decision('dropped', 1_001))).toBe('open')
  expect(stateOf(letter, decision('of a later version', 1_001))).toBe('open')
})

test('the latest decision counts, in whatever order they are read', () => {
  const decisions = new Map<string, Decision>()
  for (const one of [decision('dropped', 2), decision('replayed', 3), decision('dropped', 1)]) {
    addDecision(decisions, one)
  }
  expect(decisions.get('touchpoints:2:17:journey')?.outcome.outcome).toBe('replayed')
})

const everything: LetterFilter = {
  topic: null,
  stage: null,
  reason: null,
  sinceMs: null,
  untilMs: null,
  key: null,
}

test.each<[string, Partial<LetterFilter>, boolean]>([
  ['nothing asked', {}, true],
  ['its topic', { topic: 'touchpoints' }, true],
  ['another topic', { topic: 'orders' }, false],
  ['its stage and reason', { stage: 'journey', reason: 'undecodable' }, true],
  ['its stage and another reason', { stage: 'journey', reason: 'crashed' }, false],
  ['since when it was buried', { sinceMs: 1_000 }, true],
  ['until when it was buried', { untilMs: 1_000 }, false],
  ['a part of its key', { key: 'p1' }, true],
  ['another key', { key: 'p2' }, false],
])('a filter for %s', (_name, filter, matched) => {
  expect(matches(letterFrom(buried()), { ...everything, ...filter })).toBe(matched)
})

test('the letter of a replay names the first letter of its record', () => {
  const first = 'touchpoints:2:17:journey'
  const headers = { [replayHeaders.of]: first, [deadLetterHeaders.offset]: '40' }
  expect(letterFrom(buried({ headers }))).toMatchObject({
    id: 'touchpoints:2:40:journey',
    replayOf: first,
  })
})
