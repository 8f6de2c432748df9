// What the command line says, checked before anything is connected.
import { parseArgs } from 'node:util'
import { SetupError } from '../../services/runtime/errors'

export const usage = `usage: npm run --silent forget -- [<identifier>] [options]
identifier: phone:13812345678, unionid:…, openid:<app>:<id>, user:<platform>:<id>, device:…, visitor:…, code:…
            without one it is read from standard input, which leaves it in no history and no log
--hashed <kind:hash>   the keyed hash instead, as tables show it
--dry-run              say what would go, and change nothing
--yes                  do not ask
--receipt <file>       write the receipt there too
--spool <directory>    SPOOL_DIRECTORY of an edge that does not run; may be repeated`

export interface Arguments {
  /** As somebody said it; null when it is to be read from standard input. */
  readonly raw: string | null
  readonly hashed: string | null
  readonly dryRun: boolean
  readonly yes: boolean
  readonly receipt: string | null
  readonly spools: readonly string[]
}

/** @throws SetupError with the usage; never with what was given, which may name somebody */
export function readArguments(given: readonly string[]): Arguments {
  const { values, positionals } = parse(given)
  const [raw = null] = positionals
  const { hashed = null } = values
  if (positionals.length > 1) throw new SetupError(`one person at a time\n${usage}`)
  if (raw !== null && hashed !== null) {
    throw new SetupError(`say the identifier or --hashed, not both\n${usage}`)
  }
  return {
    ...{ raw, hashed },
    dryRun: values['dry-run'],
    yes: values.yes,
    receipt: values.receipt ?? null,
    spools: values.spool,
  }
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        hashed: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        receipt: { type: 'string' },
        spool: { type: 'string', multiple: true, default: [] as string[] },
      },
    })
  } catch {
    // The parser's words quote what it does not understand.
    throw new SetupError(usage)
  }
}
