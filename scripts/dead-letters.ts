// What could not be processed, and what to do about it: `npm run dead-letters -- list | show | replay | drop`.
import { createInterface } from 'node:readline/promises'
import { matches, type Letter } from '../services/core/dead-letters/letter'
import { DependencyError, SetupError } from '../services/runtime/errors'
import { readArguments, type Arguments } from './dead-letters/arguments'
import { decideLetters, type Verdict } from './dead-letters/decide-letters'
import { openDesk, type Desk } from './dead-letters/desk'
import { jsonOf, printCounts, printLetters } from './dead-letters/print-letters'
import { fetchLetter, readLetters, type DecidedLetter } from './dead-letters/read-letters'
import { planReplay, replayLetters } from './dead-letters/replay-letters'
import { showLetter } from './dead-letters/show-letter'

type Letters = ReadonlyMap<string, DecidedLetter>

async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2), Date.now())
  const desk = await openDesk(asked.by)
  try {
    const letters = await readLetters(desk)
    switch (asked.verb) {
      case 'list':
        list(letters, asked, desk)
        break
      case 'show':
        await show(letters, asked, desk)
        break
      case 'replay':
        await replay(letters, asked, desk)
        break
      case 'drop':
        await drop(letters, asked, desk)
        break
    }
  } finally {
    await desk.close()
  }
}

function list(letters: Letters, asked: Arguments, desk: Desk): void {
  const found = [...letters.values()].filter(
    (one) => (asked.all || one.state === 'open') && isAskedFor(one, asked, desk),
  )
  const shown = asked.limit < found.length ? found.slice(-asked.limit) : found
  if (asked.form === 'json') for (const one of shown) console.log(JSON.stringify(jsonOf(one)))
  else if (asked.form === 'ids') for (const { letter } of shown) console.log(letter.id)
  else {
    printLetters(shown)
    printCounts(shown, found.length - shown.length)
  }
}

async function show(letters: Letters, asked: Arguments, desk: Desk): Promise<void> {
  const [one] = withIds(letters, asked.ids)
  if (one === undefined) return
  if (!asked.raw) return showLetter(one, letters, desk)
  const { value } = await fetchLetter(one.letter, desk)
  process.stdout.write(value ?? '')
}

async function replay(letters: Letters, asked: Arguments, desk: Desk): Promise<void> {
  const chosen = choose(letters, asked, desk)
  if (chosen.length === 0) {
    console.log('nothing to replay')
    return
  }
  const plan = await planReplay(
    chosen.map(({ letter }) => letter),
    letters,
    desk,
  )
  const count = plan.letters.length
  if (asked.dryRun || count > 1) {
    printLetters(plan.letters.flatMap(({ id }) => letters.get(id) ?? []))
  }
  if (asked.dryRun) {
    const pointless = plan.letters.filter(({ id }) => plan.superseding.has(id)).length
    console.log(
      `would replay ${count - pointless}, and find ${pointless} superseded by newer records`,
    )
    return
  }
  await confirm(`replay these ${count}`, count, asked)
  const { tally, decided } = counting(count)
  const options = { again: asked.again, perSecond: asked.perSecond, decided }
  const leftOut = await replayLetters(plan, desk, options)
  tally(leftOut)
}

async function drop(letters: Letters, asked: Arguments, desk: Desk): Promise<void> {
  const chosen = choose(letters, asked, desk).map(({ letter }) => letter)
  await confirm(`drop these ${chosen.length}`, chosen.length, asked)
  const { tally, decided } = counting(chosen.length)
  const verdictOn = (letter: Letter): Promise<Verdict> =>
    Promise.resolve({ letter, outcome: 'dropped', why: asked.why, record: null })
  const options = { again: false, perSecond: 1_000, decided, verdictOn }
  const leftOut = await decideLetters(chosen, desk, options)
  tally(leftOut)
}

/** By id what is named, else what the filters find open. @throws SetupError for an id that is not open any more */
function choose(letters: Letters, asked: Arguments, desk: Desk): DecidedLetter[] {
  if (asked.ids.length === 0) {
    const wanted = (one: DecidedLetter): boolean => asked.again || one.state === 'open'
    const found = [...letters.values()].filter((one) => wanted(one) && isAskedFor(one, asked, desk))
    return found.slice(0, Math.min(asked.limit, found.length))
  }
  const chosen = withIds(letters, asked.ids)
  const closed = chosen.find(({ state }) => state !== 'open')
  if (closed === undefined || asked.again) return chosen
  const { letter, state, decision } = closed
  const who = decision?.outcome.decided_by ?? ''
  const more = asked.verb === 'replay' ? '; --again replays it once more' : ''
  throw new SetupError(`${letter.id} was ${state} by ${who}${more}`)
}

function withIds(letters: Letters, ids: readonly string[]): DecidedLetter[] {
  return [...new Set(ids)].map((id) => {
    const found = letters.get(id)
    if (found === undefined) throw new SetupError(`no dead letter ${id}: see list --all --ids`)
    return found
  })
}

function isAskedFor({ letter }: DecidedLetter, { filter }: Arguments, { prefix }: Desk): boolean {
  const topic = filter.topic === null ? null : prefix + filter.topic
  return matches(letter, { ...filter, topic })
}

async function confirm(what: string, count: number, { yes }: Arguments): Promise<void> {
  if (yes || count <= 1) return
  if (!process.stdin.isTTY) {
    throw new SetupError(`${what}? Say --yes, since nobody can be asked here`)
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${what}? [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new SetupError('nothing was done')
}

/** Says what becomes of each letter: of few one by one, of many in steps. */
function counting(total: number): {
  decided: (verdict: Verdict) => void
  tally: (leftOut: number) => void
} {
  const counts = new Map<string, number>()
  let done = 0
  return {
    decided: ({ letter, outcome, why, record }) => {
      done += 1
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      const to = record === null ? why : `to ${record.topic}, partition ${record.partition}`
      if (total <= 20) console.log(`${outcome} ${letter.id}: ${to}`)
      else if (done % 100 === 0) console.log(`${done} of ${total}`)
    },
    tally: (leftOut) => {
      const parts = [...counts].map(([outcome, count]) => `${count} ${outcome}`)
      if (leftOut > 0) parts.push(`${leftOut} left out: somebody else decided about them meanwhile`)
      console.log(parts.join(', '))
    },
  }
}

main().catch((error: unknown) => {
  const known = error instanceof SetupError || error instanceof DependencyError
  console.error(known ? error.message : error)
  process.exitCode = 1
})
