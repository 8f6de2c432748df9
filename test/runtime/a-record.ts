import type { AcceptedRecord } from '../../services/runtime/spool-frame'

export function aRecord(
  name: string | number,
  given: Partial<AcceptedRecord> = {},
): AcceptedRecord {
  return { key: `key-${name}`, value: Buffer.from(`value of ${name}`), schema: 's1', ...given }
}
