// Something done again and again for as long as a service runs, never twice at once.

/**
 * Runs `action`, waits for `pauseMs()` of what it took, and runs it again. What it throws ends the process.
 * @returns a stop that waits for the run under way
 */
export function repeat(
  action: () => Promise<unknown>,
  pauseMs: (tookMs: number) => number,
): () => Promise<void> {
  let stopped = false
  let wake: () => void = () => undefined
  const run = async (): Promise<void> => {
    let tookMs = 0
    while (!stopped) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs(tookMs))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (isStopped()) return
      const startedAt = performance.now()
      await action()
      tookMs = performance.now() - startedAt
    }
  }
  // Asked anew, as it changes while the loop waits.
  const isStopped = (): boolean => stopped
  const running = run()
  return async () => {
    stopped = true
    wake()
    await running
  }
}
