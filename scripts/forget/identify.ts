// From what somebody is called to the keyed hash under which they are known, exactly as the edges make it.
import { identifierObjectFrom, identifiersFrom } from '../../services/core/edge/identifiers-from'
import { noNotes } from '../../services/core/edge/notes'
import { identifierKinds, kindOf, scopedKinds } from '../../services/core/identity/node'
import { SetupError } from '../../services/runtime/errors'
import { createIdentifierHash } from '../../services/runtime/hash-identifier'
import { createPhoneReader } from '../../services/runtime/read-phone'

export interface HashSettings {
  readonly IDENTIFIER_HASH_KEY: Buffer
  readonly DEFAULT_COUNTRY: string
}

/** @throws SetupError that says what is wrong, never with the value */
export function hashIdentifier(text: string, settings: HashSettings): string {
  const fields = identifierObjectFrom(text)
  if (fields === undefined) {
    throw new SetupError(
      `say kind:value with one of ${identifierKinds.join(', ')}; openid:<app>:<id>, user:<platform>:<id>`,
    )
  }
  const notes = noNotes()
  const [identifier] = identifiersFrom(fields, {
    field: 'identifier',
    tools: {
      hash: createIdentifierHash(settings.IDENTIFIER_HASH_KEY),
      phone: createPhoneReader(settings.DEFAULT_COUNTRY),
    },
    kinds: identifierKinds,
    scopes: { openid: '', user: '' },
    unreadablePhone: 'fault',
    notes,
  })
  if (identifier !== undefined) return identifier
  const [note] = [...notes.faults, ...notes.warnings]
  throw new SetupError(`${note?.field ?? 'identifier'} ${note?.fault ?? 'names nobody'}`)
}

/** @throws SetupError when a text is no hash as the tables show them */
export function checkHashed(text: string): string {
  const scope = scopedKinds.has(kindOf(text)) ? '[a-z0-9_-]{1,64}:' : ''
  const kinds = identifierKinds.join('|')
  if (new RegExp(`^(?:${kinds}):${scope}[A-Za-z0-9_-]{22}$`).test(text)) return text
  throw new SetupError('--hashed: say kind:hash or kind:scope:hash, as identities_current shows it')
}
