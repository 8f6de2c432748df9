// npm run stack -- up | down | status
import { SetupError } from '../services/runtime/errors'
import {
  askParts,
  findStandingStack,
  lowerStack,
  raiseStack,
  superviseStack,
  type StandingStack,
} from '../infra/local/standing-stack'

const usage = 'usage: npm run stack -- up | down | status'

async function main(verb: string): Promise<number> {
  switch (verb) {
    case 'up':
      print(
        await raiseStack((line) => {
          console.log(line)
        }),
      )
      return 0
    case 'down':
      console.log((await lowerStack()) ? 'the stack is down' : 'no stack is running')
      return 0
    case 'status':
      return status()
    case 'supervise':
      await superviseStack()
      return Number(process.exitCode ?? 0)
    default:
      throw new SetupError(usage)
  }
}

async function status(): Promise<number> {
  const parts = await askParts(findStandingStack())
  for (const { name, ready, address, logFile } of parts) {
    const state = ready ? 'ready' : 'down'
    console.log(`${name.padEnd(11)}${state.padEnd(7)}${ready ? address : `log: ${logFile}`}`)
  }
  return parts.every((part) => part.ready) ? 0 : 1
}

function print(stack: StandingStack): void {
  console.log(
    [
      `Kafka            ${stack.brokers.join(',')}`,
      `Schema registry  ${stack.registryUrl}`,
      `ClickHouse       ${stack.clickhouseUrl}`,
      `ERP              ${stack.erp.url} (database ${stack.erp.database}, user ${stack.erp.user})`,
      `Logs             ${stack.logsDirectory}`,
    ].join('\n'),
  )
}

main(process.argv[2] ?? '').then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(error instanceof SetupError ? error.message : error)
    process.exitCode = 1
  },
)
