// Whether to ask a dependency at all. Closed: everybody may. The first failure opens it, and whoever waits is told
// at once; then one at a time may try, now and then, until somebody succeeds.
import { DependencyError } from './errors'

export interface BreakerOptions {
  /** Longest wait for an answer, and shortest pause between two tries while it is open. */
  readonly timeoutMs: number
  readonly onOpen: (error: DependencyError) => void
  readonly onClose: () => void
}

export interface Breaker {
  /** Whether `action` was asked and went well in time.
   * @throws what is no DependencyError */
  attempt(action: () => Promise<void>): Promise<boolean>
  /** To be told of a success that did not come through here. */
  close(): void
  /** Lets the next one try: there is no other way for it. */
  hurry(): void
}

export function createBreaker({ timeoutMs, onOpen, onClose }: BreakerOptions): Breaker {
  const waiting = new Set<(error: DependencyError) => void>()
  let isOpen = false
  let isTrying = false
  let tryAt = 0

  const open = (error: DependencyError): void => {
    isOpen = true
    tryAt = performance.now() + timeoutMs
    for (const reject of waiting) reject(error)
    onOpen(error)
  }
  const close = (): void => {
    isOpen = false
    onClose()
  }
  return {
    async attempt(action) {
      const isTry = isOpen
      if (isTry && (isTrying || performance.now() < tryAt)) return false
      isTrying ||= isTry
      try {
        const patience = { dependency: 'kafka', timeoutMs, waiting }
        const failure = await failureWithin(patience, action())
        if (failure === null) close()
        else open(failure)
        return failure === null
      } finally {
        if (isTry) isTrying = false
      }
    },
    close,
    hurry: () => {
      tryAt = 0
    },
  }
}

export interface Patience {
  readonly dependency: string
  readonly timeoutMs: number
  /** Whoever is in here can be told to wait no longer. */
  readonly waiting?: Set<(error: DependencyError) => void>
}

/** What kept `done` from going well in time, when that was a dependency; null when it went well. Rejects otherwise. */
export function failureWithin(
  { dependency, timeoutMs, waiting }: Patience,
  done: Promise<void>,
): Promise<DependencyError | null> {
  return new Promise((resolve, reject) => {
    const end = (failure: Error | null): void => {
      clearTimeout(timer)
      waiting?.delete(end)
      if (failure === null || failure instanceof DependencyError) resolve(failure)
      else reject(failure)
    }
    const timer = setTimeout(() => {
      end(new DependencyError(dependency, `no acknowledgement within ${timeoutMs} ms`))
    }, timeoutMs)
    waiting?.add(end)
    done.then(() => {
      end(null)
    }, end)
  })
}
