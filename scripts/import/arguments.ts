// What the command line says, checked before anything is read.
import { parseArgs } from 'node:util'
import { figureKinds, type FigureKind } from '../../services/core/figures/figure'
import { SetupError } from '../../services/runtime/errors'

export const usage = `usage: npm run import -- <kind> <file.csv>… [--dry-run] [--zone +08:00] [--encoding gb18030]
kinds: ${figureKinds.join(', ')}
The first line of a file names the fields. --zone is that of times that name none; files are UTF-8 by default.`

export interface Arguments {
  readonly kind: FigureKind
  readonly files: readonly string[]
  /** Check only. */
  readonly dryRun: boolean
  /** Of times that name none, as +08:00 or Z; null where all must. */
  readonly zone: string | null
  readonly encoding: string
}

const options = {
  'dry-run': { type: 'boolean', default: false },
  zone: { type: 'string' },
  encoding: { type: 'string', default: 'utf-8' },
} as const

/** @throws SetupError naming the fault, or with the usage */
export function readArguments(given: readonly string[]): Arguments {
  const { values, positionals } = parse(given)
  const [kindName, ...files] = positionals
  const kind = figureKinds.find((one) => one === kindName)
  if (kind === undefined || files.length === 0) throw new SetupError(usage)
  const { zone = null, encoding } = values
  if (zone !== null && !/^(?:Z|[+-]\d{2}:\d{2})$/.test(zone)) {
    throw new SetupError(`--zone ${zone}: must be like +08:00, or Z`)
  }
  assertEncoding(encoding)
  return { kind, files, dryRun: values['dry-run'], zone, encoding }
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({ args: [...given], options, allowPositionals: true })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new SetupError(`${words}\n${usage}`, { cause })
  }
}

function assertEncoding(encoding: string): void {
  try {
    new TextDecoder(encoding)
  } catch (cause) {
    throw new SetupError(`--encoding ${encoding}: unknown; try utf-8 or gb18030`, { cause })
  }
}
