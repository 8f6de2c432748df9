// How well the persons found agree with the persons that are: over pairs of identifiers, as usual. Precision:
// of the pairs joined, how many belong together. Recall: of the pairs that belong together, how many are joined.
import type { HashIdentifier } from '../../services/runtime/hash-identifier'
import type { RawIdentifier, Truth } from './act'

export interface IdentityScore {
  readonly precision: number
  readonly recall: number
  /** Hubs and contested identifiers that do not stand alone. */
  readonly joinedThoughAlone: number
}

export function scoreIdentity(
  truth: Truth,
  found: readonly { readonly identifier: string; readonly person: string }[],
  hash: HashIdentifier,
): IdentityScore {
  const hashed = ({ kind, scope, value }: RawIdentifier): string =>
    hash(kind, scope, kind === 'phone' ? `+86${value}` : value)
  const trueOf = new Map<string, number>()
  truth.persons.forEach((identifiers, person) => {
    for (const identifier of identifiers) trueOf.set(hashed(identifier), person)
  })
  const foundOf = new Map(found.map(({ identifier, person }) => [identifier, person]))
  const ours = [...trueOf.keys()]
  const together = (of: (identifier: string) => unknown): number => pairsWithin(ours, of)
  const both = pairsWithin(ours, (one) => `${trueOf.get(one) ?? ''} ${foundOf.get(one) ?? one}`)
  const alone = truth.alone.map(hashed)
  return {
    precision:
      both /
      Math.max(
        1,
        together((one) => foundOf.get(one) ?? one),
      ),
    recall:
      both /
      Math.max(
        1,
        together((one) => trueOf.get(one)),
      ),
    joinedThoughAlone: alone.filter(
      (one) =>
        foundOf.get(one) !== one ||
        found.some(({ identifier, person }) => person === one && identifier !== one),
    ).length,
  }
}

/** Number of pairs of identifiers that fall into one group. */
function pairsWithin(
  identifiers: readonly string[],
  groupOf: (identifier: string) => unknown,
): number {
  const sizes = new Map<unknown, number>()
  for (const identifier of identifiers) {
    const group = groupOf(identifier)
    sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }
  return [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0)
}
