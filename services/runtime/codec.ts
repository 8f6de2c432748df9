// Avro values in the registry's wire format: a zero byte, the writer schema's id, the body. The only importer
// of avsc and of the registry client. The client's own decode() compiles a resolver for every message, so
// resolvers are kept here, by writer id. Schemas are registered when a version is deployed (registerSchema),
// never by a running service.
import { Agent } from 'node:https'
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import * as avro from 'avsc'
import { reject, type Reject } from '../core/reject'
import type { RecordName, Records } from '../core/records'
import type { Topic, ValueOf } from '../core/topics'
import { DependencyError, SetupError } from './errors'
import { readAvroRecords, standaloneSchema } from './schemas'

const headerBytes = 5

export interface RecordCodec<Value> {
  /** @throws when the value does not fit the schema: that is our own fault, not the data's */
  encode(value: Value): Buffer
  /** Fetches the writer schemas these values name that this process has not met yet.
   * @throws DependencyError when the registry does not answer */
  learn(values: Iterable<Buffer | null>): Promise<void>
  /** Only for values whose writer schema was learned. */
  decode(value: Buffer | null): Value | Reject
}

export interface DraftCodec<Value> {
  /** Names or is the schema its values are written with. */
  readonly schema: string
  readonly encode: (value: Value) => Buffer
}

export interface SchemaDirectory {
  codec<Name extends RecordName>(subject: string, record: Name): Promise<RecordCodec<Records[Name]>>
  /** The codec of a topic's values, under the subject `<name>-value`.
   * @throws SetupError when this version's schema is not registered */
  topicCodec<T extends Topic>(topic: T): Promise<RecordCodec<ValueOf<T>>>
  /** The id of a schema, of this version or another, under the subject `<name>-value`.
   * @throws SetupError when it is not registered */
  schemaId(topic: Topic, schema: string): Promise<number>
  /** Registers this version's schema of a record; repeating it changes nothing.
   * @returns the schema's id. @throws SetupError when it is not FULL_TRANSITIVE compatible */
  register(subject: string, record: RecordName): Promise<number>
}

export interface RegistryAccess {
  readonly url: string
  /** PEM of the authority of an https address; null for those the system knows. */
  readonly ca: string | null
  readonly login: { readonly username: string; readonly password: string } | null
}

/** The schemas of an installation: `prefix` goes before every subject. An address alone means no login. */
export function connectRegistry(access: RegistryAccess | string, prefix = ''): SchemaDirectory {
  const { url, ca, login } =
    typeof access === 'string' ? { url: access, ca: null, login: null } : access
  const registry = new SchemaRegistry({
    host: url,
    retry: { retries: 1 },
    ...(login === null ? {} : { auth: login }),
    ...(ca === null ? {} : { agent: new Agent({ ca, keepAlive: true, minVersion: 'TLSv1.2' }) }),
  })
  const avroRecords = readAvroRecords()
  const schemaOf = (record: RecordName): object => standaloneSchema(record, avroRecords)
  const fetchWriter = (id: number): Promise<avro.Type | null> => fetchSchema(registry, id)

  const schemaId = async (subject: string, schema: string): Promise<number> => {
    const type = SchemaType.AVRO
    const id = await ask(() => registry.getRegistryIdBySchema(prefix + subject, { type, schema }))
    if (id !== null) return id
    throw new SetupError(
      `the registry does not know this version's schema of ${prefix}${subject}: run npm run provision`,
    )
  }
  const codec: SchemaDirectory['codec'] = async (subject, record) => {
    const schema = schemaOf(record)
    const id = await schemaId(subject, JSON.stringify(schema))
    return createCodec({ id, schema, fetchWriter })
  }
  return {
    codec,
    topicCodec: <T extends Topic>({ name, record }: T) =>
      codec<T['record']>(`${name}-value`, record),
    schemaId: ({ name }, schema) => schemaId(`${name}-value`, schema),
    register: (subject, record) => registerSchema(registry, prefix + subject, schemaOf(record)),
  }
}

/** Writes values of this version's schema before anybody can ask for the schema's id; `fillInSchemaId` completes them. */
export function draftCodec<Name extends RecordName>(record: Name): DraftCodec<Records[Name]> {
  const schema = standaloneSchema(record, readAvroRecords())
  const codec = createCodec<Records[Name]>({ id: 0, schema, fetchWriter: nobody })
  return { schema: JSON.stringify(schema), encode: (value) => codec.encode(value) }
}

/** Makes a drafted value one that every reader can look up. */
export function fillInSchemaId(value: Buffer, id: number): void {
  value.writeInt32BE(id, 1)
}

/** A codec that needs no registry, for one process that both writes and reads, as tests do. */
export function localCodec<Name extends RecordName>(record: Name): RecordCodec<Records[Name]> {
  const schema = standaloneSchema(record, readAvroRecords())
  return createCodec({ id: 1, schema, fetchWriter: nobody })
}

const nobody = (): Promise<null> => Promise.resolve(null)

interface CodecParts {
  readonly id: number
  readonly schema: object
  /** Null when the registry says there is no such schema. */
  readonly fetchWriter: (id: number) => Promise<avro.Type | null>
}

function createCodec<Value>({ id, schema, fetchWriter }: CodecParts): RecordCodec<Value> {
  const type = typeOf(schema)
  const resolvers = new Map<number, unknown>([[id, undefined]])
  let scratch = Buffer.alloc(16_384)

  return {
    encode(value) {
      let end = type.encode(value, scratch, headerBytes)
      if (end < 0) {
        scratch = Buffer.alloc(2 * (scratch.length - end))
        end = type.encode(value, scratch, headerBytes)
      }
      scratch[0] = 0
      scratch.writeInt32BE(id, 1)
      const bytes = Buffer.allocUnsafe(end)
      scratch.copy(bytes, 0, 0, end)
      return bytes
    },
    async learn(values) {
      // What the registry does not know now it may know when the next values come: it is asked once a call.
      const asked = new Set<number>()
      for (const value of values) {
        const writer = writerIdOf(value)
        if (writer === null || resolvers.has(writer) || asked.has(writer)) continue
        asked.add(writer)
        const found = await fetchWriter(writer)
        const resolver = found === null ? null : resolverOf(type, found)
        if (resolver !== null) resolvers.set(writer, resolver)
      }
    },
    decode(value) {
      const writer = writerIdOf(value)
      if (value === null || writer === null) {
        return reject('undecodable', 'no Avro value in wire format')
      }
      if (!resolvers.has(writer)) return reject('unknown-schema', `schema id ${writer}`)
      return decodeBody(type, value, resolvers.get(writer)) as Value | Reject
    },
  }
}

/** From where the body begins, without a view of it: one is made for every entry that is read. */
function decodeBody(type: avro.Type, value: Buffer, resolver: unknown): unknown {
  try {
    const read: { value: unknown; offset: number } = type.decode(
      value,
      headerBytes,
      resolver as undefined,
    )
    if (read.offset === value.length) return read.value
    return reject('undecodable', read.offset < 0 ? 'truncated buffer' : 'trailing data')
  } catch (error) {
    return reject('undecodable', error instanceof Error ? error.message : 'malformed Avro')
  }
}

function resolverOf(reader: avro.Type, writer: avro.Type): unknown {
  try {
    return reader.createResolver(avro.Type.forSchema(writer.schema()))
  } catch {
    // A schema of another record entirely: its values cannot be read as this one.
    return null
  }
}

/** Records come out as plain objects, without methods on them. */
function typeOf(schema: unknown): avro.Type {
  const options = { omitRecordMethods: true }
  return avro.Type.forSchema(schema as avro.Schema, options)
}

function writerIdOf(value: Buffer | null): number | null {
  if (value === null || value.length < headerBytes || value[0] !== 0) return null
  return value.readInt32BE(1)
}

async function fetchSchema(registry: SchemaRegistry, id: number): Promise<avro.Type | null> {
  const schema = await ask(() => registry.getSchema(id))
  return schema as unknown as avro.Type | null
}

async function registerSchema(
  registry: SchemaRegistry,
  subject: string,
  schema: object,
): Promise<number> {
  const compatibility = COMPATIBILITY.FULL_TRANSITIVE
  const raw = { type: SchemaType.AVRO, schema: JSON.stringify(schema) } as const
  try {
    const { id } = await registry.register(raw, { subject, compatibility })
    return id
  } catch (error) {
    const status = statusOf(error)
    if (
      status === 409 ||
      status === 422 ||
      hasName(error, 'ConfluentSchemaRegistryCompatibilityError')
    ) {
      throw new SetupError(`the registry refuses the schema of ${subject}: ${String(error)}`, {
        cause: error,
      })
    }
    throw new DependencyError('schema registry', error)
  }
}

/** Asks the registry; null when it answers that there is no such thing. */
async function ask<T>(question: () => Promise<T>): Promise<T | null> {
  try {
    return await question()
  } catch (error) {
    const cause = hasName(error, 'ConfluentSchemaRegistryError') ? 404 : statusOf(error)
    if (cause === 404) return null
    throw new DependencyError('schema registry', error)
  }
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('status' in error)) return null
  return typeof error.status === 'number' ? error.status : null
}

function hasName(error: unknown, name: string): boolean {
  return error instanceof Error && error.constructor.name === name
}
