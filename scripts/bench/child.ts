// Processes of the benches' own: each does one thing by a plan it is sent, so that its costs are its own.
import { fork, type ChildProcess } from 'node:child_process'
import { builtScript } from '../../infra/local/run-part'

export interface StandingChild<Answer> {
  readonly answer: Answer
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** Has a script do what it does. @returns its answer, once it has ended. @throws when it ends without one */
export async function runChild<Answer>(script: string, plan: unknown): Promise<Answer> {
  const { answer, stop } = await standChild<Answer>(script, plan)
  await stop()
  return answer
}

/** Has a script begin. It stands after its answer, until it is stopped. */
export async function standChild<Answer>(
  script: string,
  plan: unknown,
): Promise<StandingChild<Answer>> {
  const child = fork(builtScript(`scripts/bench/${script}`))
  const ended = new Promise<void>((resolve) => child.once('exit', resolve))
  const answer = await answerOf<Answer>(child, { script, plan })
  return {
    answer,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function answerOf<Answer>(
  child: ChildProcess,
  { script, plan }: { script: string; plan: unknown },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      reject(new Error(`${script} ended with ${code ?? 'a signal'} before it answered`))
    })
    child.once('message', resolve)
    child.send(plan as object)
  })
}

/** In such a process: does `work` by the plan that is sent, and answers. It never outlives the one who asked. */
export function answerParent(work: (plan: never) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit(1))
  process.once('message', (plan) => {
    work(plan as never).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
}
