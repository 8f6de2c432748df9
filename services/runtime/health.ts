// What /ready says: ready only while started, not stopping, and no dependency is unwell. /live stays shallow,
// so that a sick neighbour never gets healthy processes restarted.

export interface Health {
  /** The service has started and takes work. */
  started(): void
  stopping(): void
  /** Names a dependency or a part as unwell, with the reason an operator can act on. */
  unwell(part: string, reason: string): void
  well(part: string): void
  /** Empty when ready; else what is missing, for people. */
  faults(): readonly string[]
}

export function createHealth(onChange: (part: string, reason: string | null) => void): Health {
  const unwell = new Map<string, string>()
  let phase: 'starting' | 'started' | 'stopping' = 'starting'
  return {
    started: () => {
      phase = 'started'
    },
    stopping: () => {
      phase = 'stopping'
    },
    unwell: (part, reason) => {
      if (unwell.get(part) === reason) return
      unwell.set(part, reason)
      onChange(part, reason)
    },
    well: (part) => {
      if (unwell.delete(part)) onChange(part, null)
    },
    faults: () => [
      ...(phase === 'started' ? [] : [phase]),
      ...[...unwell].map(([part, reason]) => `${part}: ${reason}`),
    ],
  }
}
