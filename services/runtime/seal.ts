// AES-256-GCM for what only the erp-sink may read. The nonce is derived from key, order key and text instead of
// drawn: an order delivered twice must give the same bytes twice, or every repetition would look like a change.
// That is safe here because a nonce comes back only together with the very same text and order key, so the
// same bytes; all it shows is that one order's buyer has not changed. Two different texts meet in one 96-bit
// nonce after about 2^48 seals under one key; replace a key long before.
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { reject, type Reject } from '../core/reject'
import type { SealedField } from '../core/records'

const nonceBytes = 12
const tagBytes = 16

/** Keys of 32 bytes by key id. Old ones stay until nothing sealed with them is read any more. */
export type SealKeys = ReadonlyMap<string, Buffer>

/**
 * Seals with the key of `keyId`; `context` (the order key) is bound to the text.
 * @throws when the ring has no such key
 */
export function createSeal(
  keys: SealKeys,
  keyId: string,
): (text: string, context: string) => SealedField {
  const key = keys.get(keyId)
  if (key === undefined) throw new Error(`no seal key ${keyId}`)
  const nonceKey = createHmac('sha256', key).update('tributary seal nonce').digest()
  return (text, context) => {
    const nonce = createHmac('sha256', nonceKey)
      .update(`${context}\0${text}`)
      .digest()
      .subarray(0, nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(Buffer.from(context))
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
    return { key_id: keyId, data: Buffer.concat(sealed) }
  }
}

/** The text of a sealed field, or a reject when the key is unknown or text or context were changed. */
export function openSealed(keys: SealKeys, field: SealedField, context: string): string | Reject {
  const key = keys.get(field.key_id)
  if (key === undefined) return reject('invalid', `sealed with unknown key ${field.key_id}`)
  const data = Buffer.from(field.data)
  if (data.length < nonceBytes + tagBytes) return reject('invalid', 'sealed field is too short')
  const cipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, nonceBytes))
  cipher.setAAD(Buffer.from(context))
  cipher.setAuthTag(data.subarray(data.length - tagBytes))
  try {
    const text = cipher.update(data.subarray(nonceBytes, data.length - tagBytes))
    return Buffer.concat([text, cipher.final()]).toString('utf8')
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'not authentic'
    return reject('invalid', `sealed field does not open: ${detail}`)
  }
}
