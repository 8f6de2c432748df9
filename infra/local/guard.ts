// Stands between the owner of the stack and one part, so that the part never outlives the owner, however that one ends:
// standard input is a pipe from the owner, and when it closes the part is told to end, then made to. Guard and part share
// one process group; the guard ends by killing all of it, so that nothing the part started is left either.
// Usage: guard <grace in ms> <command> [argument …]; file descriptor 3 receives one line of JSON, how the part ended.
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'

const [grace = '', command = '', ...args] = process.argv.slice(2)
const outcome = 3

const part = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
part.once('error', (error) => {
  finish({ failed: error.message })
})
part.once('exit', (code, signal) => {
  finish({ code, signal })
})

let ending = false
process.stdin.once('close', endPart).resume()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, endPart)

function endPart(): void {
  if (ending) return
  ending = true
  process.kill(-process.pid, 'SIGTERM')
  setTimeout(() => {
    finish({ code: null, signal: 'SIGKILL' })
  }, Number(grace))
}

function finish(how: Readonly<Record<string, unknown>>): void {
  try {
    writeSync(outcome, `${JSON.stringify(how)}\n`)
  } catch {
    // The owner has gone; nobody is left to be told.
  }
  process.kill(-process.pid, 'SIGKILL')
}
