// Bad data is a value (core/reject.ts), our own faults are assertions; these two are what remains.

import { advice } from './advice'

/** The operator must act: bad configuration, a missing topic, an incompatible schema. Printed as one line, exit 1. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}

/** A dependency is unwell: tried again with back-off, named by /ready, in the end fatal. */
export class DependencyError extends Error {
  override readonly name = 'DependencyError'
  readonly dependency: string

  constructor(dependency: string, cause: unknown) {
    const words = (cause instanceof Error ? cause.message : String(cause)).trim()
    super(`${dependency}: ${words}${advice(dependency, cause)}`, { cause })
    this.dependency = dependency
  }
}

/** Runs an adapter's call; whatever it throws becomes a DependencyError of that dependency. */
export async function asDependency<T>(dependency: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new DependencyError(dependency, error)
  }
}
