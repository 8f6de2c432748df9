// What the command line says, checked before anything is connected.
import { parseArgs } from 'node:util'
import type { LetterFilter } from '../../services/core/dead-letters/letter'
import { SetupError } from '../../services/runtime/errors'

export const usage = `usage: npm run dead-letters -- list [filters] [--all] [--json | --ids]
                               show <id> [--raw]
                               replay <id>… | filters [--dry-run] [--yes] [--again] [--per-second 50]
                               drop <id>… --reason "why" [--yes]
filters: --topic --stage --reason --key --since --until (2026-11-23T20:00, or 90m, 6h, 7d ago) --limit
all: --by who`

const options = {
  topic: { type: 'string' },
  stage: { type: 'string' },
  reason: { type: 'string' },
  key: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  limit: { type: 'string' },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  ids: { type: 'boolean', default: false },
  raw: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  'per-second': { type: 'string', default: '50' },
  by: { type: 'string' },
} as const

type OptionName = keyof typeof options

const verbs = ['list', 'show', 'replay', 'drop'] as const
type Verb = (typeof verbs)[number]

const filterOptions = ['topic', 'stage', 'reason', 'key', 'since', 'until', 'limit'] as const
const understood: Readonly<Record<Verb, readonly OptionName[]>> = {
  list: [...filterOptions, 'all', 'json', 'ids', 'by'],
  show: ['raw', 'by'],
  replay: [...filterOptions, 'dry-run', 'yes', 'again', 'per-second', 'by'],
  drop: ['reason', 'yes', 'by'],
}

export interface Arguments {
  readonly verb: Verb
  readonly ids: readonly string[]
  readonly filter: LetterFilter
  readonly filtered: boolean
  readonly limit: number
  readonly all: boolean
  readonly form: 'lines' | 'json' | 'ids'
  readonly raw: boolean
  readonly dryRun: boolean
  readonly yes: boolean
  readonly again: boolean
  readonly perSecond: number
  /** Why letters are dropped. */
  readonly why: string
  readonly by: string | null
}

/** @throws SetupError naming the fault, or with the usage */
export function readArguments(given: readonly string[], nowMs: number): Arguments {
  const { values, positionals } = parse(given)
  const [verb, ...ids] = positionals
  if (!isVerb(verb)) throw new SetupError(usage)
  const said = new Set(given.map((text) => /^--([a-z-]+)/.exec(text)?.[1] ?? ''))
  for (const name of Object.keys(options) as OptionName[]) {
    if (said.has(name) && !understood[verb].includes(name)) {
      throw new SetupError(`${verb} knows no --${name}\n${usage}`)
    }
  }
  const filtered = verb !== 'drop' && filterOptions.some((name) => values[name] !== undefined)
  const why = verb === 'drop' ? (values.reason ?? '') : ''
  const fault = faultOf({ verb, ids: ids.length, filtered, why })
  if (fault !== null) throw new SetupError(fault)
  return {
    ...{ verb, ids, filtered, why },
    filter: {
      topic: values.topic ?? null,
      stage: values.stage ?? null,
      reason: verb === 'drop' ? null : (values.reason ?? null),
      key: values.key ?? null,
      sinceMs: timeOf('since', values.since, nowMs),
      untilMs: timeOf('until', values.until, nowMs),
    },
    limit: values.limit === undefined ? Infinity : wholeNumber('limit', values.limit),
    all: values.all,
    form: values.json ? 'json' : values.ids ? 'ids' : 'lines',
    raw: values.raw,
    dryRun: values['dry-run'],
    yes: values.yes,
    again: values.again,
    perSecond: wholeNumber('per-second', values['per-second']),
    by: values.by ?? null,
  }
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({ args: [...given], options, allowPositionals: true })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new SetupError(`${words}\n${usage}`, { cause })
  }
}

function isVerb(text: string | undefined): text is Verb {
  return verbs.some((verb) => verb === text)
}

function faultOf(said: {
  readonly verb: Verb
  readonly ids: number
  readonly filtered: boolean
  readonly why: string
}): string | null {
  const { verb, ids, filtered, why } = said
  if (verb === 'list' && ids > 0) return 'list takes filters; show takes an id'
  if (verb === 'show' && ids !== 1) return 'show takes one id, as list prints it'
  if (verb === 'replay' && ids > 0 && filtered) return 'replay takes ids or filters, not both'
  if (verb === 'replay' && ids === 0 && !filtered) return 'replay what? Say ids or filters'
  if (verb === 'drop' && ids === 0) return 'drop takes ids, as `list --ids` prints them'
  if (verb === 'drop' && why.trim() === '') {
    return 'say why with --reason "…": it stays on record (name nobody in it)'
  }
  return null
}

const unitMs: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function timeOf(name: string, text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null
  const ago = /^(\d{1,6})([mhd])$/.exec(text)
  if (ago !== null) return nowMs - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? 0)
  // What says no zone is UTC, as everything that is printed.
  const atMs = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) || text.length <= 10 ? text : `${text}Z`)
  if (Number.isNaN(atMs)) {
    throw new SetupError(`--${name} ${text}: say a time like 2026-11-23T20:00, or 90m, 6h, 7d ago`)
  }
  return atMs
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new SetupError(`--${name} ${text}: must be a whole number above 0`)
}
