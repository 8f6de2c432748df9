// Users and roles of the local server. The engine as a library keeps no users: it knows what its configuration says and
// runs everything as `default`. So the statements that make users are kept here, the engine is given the roles in its
// configuration, and a session of a user has only that user's role (SET ROLE), whose rights the engine enforces.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from './engine'

export interface AccessBook {
  /** By role: privileges as a GRANT lists them; empty for none. */
  readonly roles: Readonly<Record<string, string>>
  readonly users: Readonly<Record<string, LocalUser>>
}

interface LocalUser {
  /** Hex. */
  readonly passwordSha256: string
  readonly role: string | null
}

export function readAccessBook(directory: string): AccessBook {
  const file = bookFile(directory)
  if (!existsSync(file)) return { roles: {}, users: {} }
  return JSON.parse(readFileSync(file, 'utf8')) as AccessBook
}

/** Keeps the book. @returns the engine's configuration that says the same; null while there are no roles */
export function writeAccessBook(directory: string, book: AccessBook): string | null {
  mkdirSync(accessDirectory(directory), { recursive: true })
  writeFileSync(bookFile(directory), JSON.stringify(book), { mode: 0o600 })
  const names = Object.keys(book.roles)
  if (names.length === 0) return null
  const usersFile = join(accessDirectory(directory), 'users.xml')
  const configFile = join(accessDirectory(directory), 'config.xml')
  writeFileSync(usersFile, usersXml(book))
  writeFileSync(configFile, `<clickhouse><users_config>${usersFile}</users_config></clickhouse>\n`)
  return configFile
}

/**
 * The role that a login has; null for `default`, who has all rights, and for anybody while there are no users.
 * @throws EngineError as a server does for a wrong name or password
 */
export function roleOf({ users }: AccessBook, name: string, password: string): string | null {
  if (name === 'default' || Object.keys(users).length === 0) return null
  const user = users[name]
  const digest = createHash('sha256').update(password).digest('hex')
  if (user?.passwordSha256 !== digest || user.role === null) {
    throw new EngineError(
      `Code: 516. DB::Exception: ${name}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
    )
  }
  return user.role
}

const name = '`?(?<name>[A-Za-z0-9_]+)`?'
const role = '`?(?<role>[A-Za-z0-9_]+)`?'
const digest = "IDENTIFIED WITH sha256_hash BY '(?<digest>[0-9a-f]{64})'"

type Change = (book: AccessBook, found: Readonly<Record<string, string>>) => AccessBook

/** The statements of users.sql and of the users made beside it; what else there is about access the engine refuses. */
const statements: readonly (readonly [RegExp, Change])[] = [
  [
    new RegExp(`^CREATE ROLE IF NOT EXISTS ${role}$`),
    (book, found) => withRole(book, found['role'], book.roles[found['role'] ?? ''] ?? ''),
  ],
  [
    new RegExp(`^GRANT ${role} TO ${name} WITH REPLACE OPTION$`),
    (book, found) => withUser(book, found['name'], { role: found['role'] ?? null }),
  ],
  [
    new RegExp(`^GRANT (?<privileges>.+) TO ${role} WITH REPLACE OPTION$`),
    (book, found) => withRole(book, found['role'], found['privileges'] ?? ''),
  ],
  [
    new RegExp(`^CREATE USER IF NOT EXISTS ${name} ${digest}$`),
    (book, found) =>
      book.users[found['name'] ?? ''] === undefined
        ? withUser(book, found['name'], { passwordSha256: found['digest'] ?? '' })
        : book,
  ],
  [
    new RegExp(`^ALTER USER ${name} ${digest} DEFAULT ROLE ${role}$`),
    (book, found) => withUser(book, found['name'], { passwordSha256: found['digest'] ?? '' }),
  ],
]

/** What the book says after a statement; null when it is no statement about access. */
export function changedAccess(book: AccessBook, sql: string): AccessBook | null {
  const flat = sql.replace(/\s+/g, ' ').trim()
  for (const [pattern, change] of statements) {
    const found = pattern.exec(flat)
    if (found !== null) return change(book, found.groups ?? {})
  }
  return null
}

function withRole(book: AccessBook, of = '', privileges: string): AccessBook {
  return { ...book, roles: { ...book.roles, [of]: privileges } }
}

function withUser(book: AccessBook, of = '', changes: Partial<LocalUser>): AccessBook {
  const before = book.users[of] ?? { passwordSha256: '', role: null }
  return { ...book, users: { ...book.users, [of]: { ...before, ...changes } } }
}

function usersXml({ roles }: AccessBook): string {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const everything = 'tributary_local_everything'
  const defined = Object.entries({ ...roles, [everything]: 'ALL ON *.*' }).map(
    ([of, privileges]) =>
      `<${of}><grants>${privileges === '' ? '' : `<query>GRANT ${escaped(privileges)}</query>`}</grants></${of}>`,
  )
  const granted = [everything, ...Object.keys(roles)].map((of) => `<query>GRANT ${of}</query>`)
  return `<clickhouse><profiles><default/></profiles><quotas><default/></quotas>
<roles>${defined.join('\n')}</roles>
<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants>${granted.join('')}</grants></default></users></clickhouse>
`
}

function accessDirectory(directory: string): string {
  return `${directory}-access`
}

function bookFile(directory: string): string {
  return join(accessDirectory(directory), 'access.json')
}
