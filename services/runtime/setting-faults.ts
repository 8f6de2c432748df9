// Settings that make sense only together: what one setting's own rule cannot see.
import { SetupError } from './errors'

/** By name; undefined where not given. */
export type GivenSettings = Readonly<Record<string, string | undefined>>

/** What has no effect is refused: whoever gave it believes that it protects something. */
export function superfluous(settings: GivenSettings, because: string): string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `${name}: given, but ${because}`)
}

/** Settings that stand together or not at all. */
export function incomplete(settings: GivenSettings): string[] {
  const entries = Object.entries(settings)
  const given = entries.find(([, value]) => value !== undefined)
  if (given === undefined) return []
  return entries
    .filter(([, value]) => value === undefined)
    .map(([name]) => `${name}: missing, since ${given[0]} is given`)
}

/** @throws SetupError unless there are no faults */
export function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new SetupError(`configuration: ${faults.join('; ')}`)
}
