// What /ready says: ready only while started, not stopping, and no dependency is unwell. /live stays shallow,
// so that a sick neighbour never gets healthy processes restarted.

export interface Health {
  /** The service has started and takes work. */
  started(): void
  stopping(): void
  /** Names a dependency or a part as unwell, with the reason an operator can act on. */
  unwell(part: string, reason: string): void
  /** Names one that is away while the work goes on without it: the process stays ready, or all of them would be
   * taken out of service at once for a fault that none of them has. */
  degraded(part: string, reason: string): void
  well(part: string): void
  /** Empty when ready; else what is missing, for people. */
  faults(): readonly string[]
  /** What the work goes on without, for people. */
  degradations(): readonly string[]
}

/** For what retries while the work goes on without it. */
export function tolerating(health: Health): Pick<Health, 'unwell' | 'well'> {
  return {
    unwell: (part, reason) => {
      health.degraded(part, reason)
    },
    well: (part) => {
      health.well(part)
    },
  }
}

export function createHealth(onChange: (part: string, reason: string | null) => void): Health {
  const unwell = new Map<string, string>()
  const degraded = new Map<string, string>()
  const note = (parts: Map<string, string>, part: string, reason: string): void => {
    if (parts.get(part) === reason) return
    parts.set(part, reason)
    onChange(part, reason)
  }
  const told = (parts: Map<string, string>): string[] =>
    [...parts].map(([part, reason]) => `${part}: ${reason}`)
  let phase: 'starting' | 'started' | 'stopping' = 'starting'
  return {
    started: () => {
      phase = 'started'
    },
    stopping: () => {
      phase = 'stopping'
    },
    unwell: (part, reason) => {
      degraded.delete(part)
      note(unwell, part, reason)
    },
    degraded: (part, reason) => {
      unwell.delete(part)
      note(degraded, part, reason)
    },
    well: (part) => {
      const wasUnwell = unwell.delete(part)
      if (degraded.delete(part) || wasUnwell) onChange(part, null)
    },
    faults: () => [...(phase === 'started' ? [] : [phase]), ...told(unwell)],
    degradations: () => told(degraded),
  }
}
