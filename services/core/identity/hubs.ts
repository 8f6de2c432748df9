// How many others an identifier may be seen with before it names a crowd instead of a person: a family
// tablet, a group leader's phone, a code on a poster. Such a hub connects nothing.
import { kindOf, scopeOf, type IdentifierKind } from './node'

export interface HubLimits {
  /** A visitor or device: phones, and accounts of one platform. */
  readonly devicePhones: number
  readonly deviceAccounts: number
  /** An account (unionid, openid, platform user): phones. */
  readonly accountPhones: number
  /** A phone: accounts of one platform, and accounts in all. */
  readonly phoneAccounts: number
  readonly phoneAccountsInAll: number
  /** A customer code: phones. */
  readonly codePhones: number
  /** Any identifier: others of all kinds. */
  readonly others: number
}

export const defaultHubLimits: HubLimits = {
  devicePhones: 3,
  deviceAccounts: 5,
  accountPhones: 5,
  phoneAccounts: 8,
  phoneAccountsInAll: 20,
  codePhones: 5,
  others: 1_000,
}

const accounts: ReadonlySet<string> = new Set(['unionid', 'openid', 'user'])

/** Whether an identifier of one kind is limited in how many of the other kind it may be seen with. */
export function isLimited(node: string, other: string): boolean {
  const otherKind = kindOf(other)
  switch (kindOf(node) as IdentifierKind) {
    case 'visitor':
    case 'device':
      return otherKind === 'phone' || accounts.has(otherKind)
    case 'unionid':
    case 'openid':
    case 'user':
    case 'code':
      return otherKind === 'phone'
    case 'phone':
      return accounts.has(otherKind)
  }
}

/** With whom an identifier was directly seen: those of limited kinds by name, all by number. */
export interface SeenWith {
  readonly limited: readonly string[]
  readonly inAll: number
}

/** Whether an identifier seen with these others is over a limit. */
export function isHub(node: string, { limited, inAll }: SeenWith, limits: HubLimits): boolean {
  if (inAll > limits.others) return true
  const phones = limited.filter((other) => kindOf(other) === 'phone').length
  const accountsByScope = new Map<string, number>()
  let accountsInAll = 0
  for (const other of limited) {
    if (!accounts.has(kindOf(other))) continue
    accountsInAll += 1
    accountsByScope.set(scopeOf(other), (accountsByScope.get(scopeOf(other)) ?? 0) + 1)
  }
  const accountsOfOne = Math.max(0, ...accountsByScope.values())
  switch (kindOf(node) as IdentifierKind) {
    case 'visitor':
    case 'device':
      return phones > limits.devicePhones || accountsOfOne > limits.deviceAccounts
    case 'unionid':
    case 'openid':
    case 'user':
      return phones > limits.accountPhones
    case 'code':
      return phones > limits.codePhones
    case 'phone':
      return accountsOfOne > limits.phoneAccounts || accountsInAll > limits.phoneAccountsInAll
  }
}
