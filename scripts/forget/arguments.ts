// What the command line says, checked before anything is connected.
import { parseArgs } from 'node:util'
import { SetupError } from '../../services/runtime/errors'

export const usage = `usage: npm run forget -- [options]
who is asked for, or read from standard input, and never taken as an argument:
phone:13812345678, unionid:…, openid:<app>:<id>, user:<platform>:<id>, device:…, visitor:…, code:…
--hashed <kind:hash>   the keyed hash instead, as tables show it
--dry-run              say what would go, and change nothing
--yes                  do not ask
--receipt <file>       write the receipt there too
--spool <directory>    SPOOL_DIRECTORY of an edge; may be repeated`

export interface Arguments {
  /** Null when whom it is about is to be asked for. */
  readonly hashed: string | null
  readonly dryRun: boolean
  readonly yes: boolean
  readonly receipt: string | null
  readonly spools: readonly string[]
}

/** By the time a command runs, npm has written its arguments to a file. */
const refusal = `an identifier is not taken as an argument: npm keeps what is typed in its log (~/.npm/_logs), shells in their
history, and there it stays, also of the command just given: remove it there. Start without it and type it when asked, or
send it to standard input: read -rs WHO && printf '%s\\n' "$WHO" | npm run --silent forget -- --yes
A keyed hash may be an argument: --hashed <kind:hash>`

/** @throws SetupError with the usage; never with what was given, which may name somebody */
export function readArguments(given: readonly string[]): Arguments {
  const { values, positionals } = parse(given)
  if (positionals.length > 0) throw new SetupError(refusal)
  return {
    hashed: values.hashed ?? null,
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
