// Schemas that reach the registry late: a value that names one cannot be read before, and can be after.
import type { RecordName } from '../../services/core/records'
import { readAvroRecords, standaloneSchema } from '../../services/runtime/schemas'

export interface LateSchema {
  /** The same value under this schema, which lays out its fields alike. */
  write(value: Buffer): Buffer
  /** Puts the schema into the registry. */
  register(): Promise<void>
}

/** A schema of a record that the registry will know only once it is told. */
export async function lateSchema(registryUrl: string, record: RecordName): Promise<LateSchema> {
  const subject = `late-${record}-${Date.now()}-value`
  const id =
    (await put(registryUrl, `${subject}-before`, schemaText(record, `${subject} before`))) + 1
  return {
    write: (value) => {
      const written = Buffer.from(value)
      written.writeInt32BE(id, 1)
      return written
    },
    register: async () => {
      const given = await put(registryUrl, subject, schemaText(record, subject))
      if (given !== id) throw new Error(`the registry gave id ${given}, not ${id}`)
    },
  }
}

function schemaText(record: RecordName, doc: string): string {
  return JSON.stringify({ ...standaloneSchema(record, readAvroRecords()), doc })
}

async function put(registryUrl: string, subject: string, schema: string): Promise<number> {
  const response = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  if (!response.ok) throw new Error(`registry: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { id: number }).id
}
