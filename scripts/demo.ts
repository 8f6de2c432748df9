// A live evening through the whole pipeline: `scripts/demo` goes on at live pace until Ctrl-C, `scripts/demo --once` plays
// one evening, checks everything against the truth and ends with one line of JSON.
import { parseArgs } from 'node:util'
import { SetupError } from '../services/runtime/errors'
import { Demo } from './evening/demo'

const options = {
  once: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  persons: { type: 'string', default: '240' },
  /** Epoch milliseconds or ISO 8601: when the evening began; by default three hours ago. */
  began: { type: 'string' },
  run: { type: 'string' },
  /** Seconds over which one evening is sent. */
  seconds: { type: 'string', default: '25' },
  /** kill -9 this service in the middle of the evening, and start it again. */
  kill: { type: 'string' },
  /** On a stack of its own that is removed afterwards, as the tests run it. */
  throwaway: { type: 'boolean', default: false },
} as const

async function main(): Promise<void> {
  const { values } = parseArgs({ options })
  const demo = new Demo({
    once: values.once,
    seed: wholeNumber('seed', values.seed),
    persons: wholeNumber('persons', values.persons),
    seconds: wholeNumber('seconds', values.seconds),
    beganAt: values.began === undefined ? null : new Date(values.began).getTime(),
    run: values.run ?? null,
    kill: values.kill ?? null,
    throwaway: values.throwaway,
  })
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      console.log('\nstopping')
      void demo.stop().then(() => process.exit(values.once ? 1 : 0))
    })
  }
  const good = await demo.run().finally(() => (stopping ? undefined : demo.stop()))
  process.exitCode = good ? 0 : 1
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new SetupError(`--${name} ${text}: must be a whole number above 0`)
}

main().catch((error: unknown) => {
  console.error(error instanceof SetupError ? error.message : error)
  process.exit(1)
})
