// Reads schemas/*.avsc, the only source of record shapes. A file holds one record and names others; the
// registry wants each schema to stand alone, so what a record refers to is inlined at its first mention.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface AvroField {
  readonly name: string
  readonly type: AvroType
  readonly doc?: string
  readonly default?: unknown
}
export interface AvroRecord {
  readonly type: 'record'
  readonly name: string
  readonly namespace: string
  readonly doc?: string
  readonly fields: readonly AvroField[]
}
export type AvroType =
  | string
  | readonly AvroType[]
  | AvroRecord
  | { readonly type: 'array'; readonly items: AvroType }
  | { readonly type: 'map'; readonly values: AvroType }
  | { readonly type: 'long'; readonly logicalType: string }

export const avroPrimitives = new Set([
  'string',
  'long',
  'int',
  'double',
  'boolean',
  'bytes',
  'null',
])

/** The project's folder: the nearest one above this file that holds schemas/, in source and in build alike. */
export function projectDirectory(): string {
  let directory = __dirname
  while (!existsSync(join(directory, 'schemas', 'touchpoint.avsc'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new Error(`no schemas/ above ${__dirname}`)
    directory = parent
  }
  return directory
}

/** Every record of schemas/ by name, as written. */
export function readAvroRecords(
  directory = join(projectDirectory(), 'schemas'),
): Map<string, AvroRecord> {
  const records = new Map<string, AvroRecord>()
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.avsc')) continue
    const record = JSON.parse(readFileSync(join(directory, file), 'utf8')) as AvroRecord
    const expected = `${record.name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}.avsc`
    if (file !== expected) {
      throw new Error(`schemas/${file} holds ${record.name}: name it ${expected}`)
    }
    records.set(record.name, record)
  }
  return records
}

/** The schema of one record that stands alone, with every record it names defined at its first mention. */
export function standaloneSchema(name: string, records: Map<string, AvroRecord>): object {
  return inline(name, records, new Set()) as object
}

function inline(type: AvroType, records: Map<string, AvroRecord>, seen: Set<string>): unknown {
  if (typeof type === 'string') {
    if (avroPrimitives.has(type)) return type
    const record = records.get(type)
    if (record === undefined) throw new Error(`no schema for ${type}`)
    return seen.has(type) ? `${record.namespace}.${type}` : inline(record, records, seen)
  }
  if (!('type' in type)) return type.map((branch) => inline(branch, records, seen))
  if ('items' in type) return { ...type, items: inline(type.items, records, seen) }
  if ('values' in type) return { ...type, values: inline(type.values, records, seen) }
  if (!('fields' in type)) return type
  seen.add(type.name)
  const fields = type.fields.map((field) => ({ ...field, type: inline(field.type, records, seen) }))
  return { ...type, fields }
}
