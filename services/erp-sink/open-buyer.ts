// The one place where a buyer's name, phone and address are opened.
import { z } from 'zod'
import { isReject, reject, type Reject } from '../core/reject'
import type { SealedField } from '../core/records'
import { DependencyError } from '../runtime/errors'
import { openSealed, type SealKeys } from '../runtime/seal'
import type { Buyer } from './erp-port'

const text = z.string().default('')
const details = z.object({
  name: text,
  phone: text,
  address: z
    .object({
      country: text,
      province: text,
      city: text,
      district: text,
      street: text,
      postal_code: text,
    })
    .nullable()
    .default(null),
})
const nobody: Buyer = { name: '', phone: '', address: null }

/**
 * Who gets an order's goods; nobody in particular when the order says nothing.
 * @throws DependencyError when the ring has no such key: a key that was not handed over yet is no fault of the order
 */
export function openBuyer(
  keys: SealKeys,
  sealed: SealedField | null,
  orderKey: string,
): Buyer | Reject {
  if (sealed === null) return nobody
  if (!keys.has(sealed.key_id)) {
    throw new DependencyError('seal keys', `no key ${sealed.key_id}; add it to SEAL_KEYS`)
  }
  const opened = openSealed(keys, sealed, orderKey)
  if (isReject(opened)) return opened
  const parsed = details.safeParse(parseJson(opened))
  // Without the values: they are what must not be told.
  if (!parsed.success) return reject('invalid', 'sealed buyer is not of the expected shape')
  return parsed.data
}

/** The ERP may quote what it refuses; its words go on record, the person does not, nor the code the ERP knows them by. */
export function withoutPerson(words: string, code: string, buyer: Buyer | undefined): string {
  const { name = '', phone = '', address = null } = buyer ?? {}
  const places = address === null ? [] : Object.values<string>({ ...address })
  return [code, name, phone, ...places]
    .filter((secret) => secret.length > 1)
    .reduce((left, secret) => left.replaceAll(secret, '…'), words)
}

function parseJson(opened: string): unknown {
  try {
    return JSON.parse(opened)
  } catch {
    return null
  }
}
