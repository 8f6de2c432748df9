// Writes services/core/records.ts, the TypeScript types of every record in schemas/; `npm run generate`. A test
// fails when the two part.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  projectDirectory,
  readAvroRecords,
  type AvroRecord,
  type AvroType,
} from '../services/runtime/schemas'

const primitives: Readonly<Record<string, string>> = {
  string: 'string',
  long: 'number',
  int: 'number',
  double: 'number',
  boolean: 'boolean',
  bytes: 'Uint8Array',
  null: 'null',
}

function typeScriptOf(type: AvroType): string {
  if (typeof type === 'string') return primitives[type] ?? type
  if (!('type' in type)) {
    const branches = type.map(typeScriptOf)
    return [...branches.filter((branch) => branch !== 'null'), 'null'].join(' | ')
  }
  if ('items' in type) return `readonly ${typeScriptOf(type.items)}[]`
  if ('values' in type) return `Readonly<Record<string, ${typeScriptOf(type.values)}>>`
  if ('fields' in type) return type.name
  return 'number'
}

function comment(doc: string | undefined): string {
  return doc === undefined ? '' : `/** ${doc} */\n`
}

function interfaceOf(record: AvroRecord): string {
  const fields = record.fields.map(
    (field) => `${comment(field.doc)}readonly ${field.name}: ${typeScriptOf(field.type)}`,
  )
  return `${comment(record.doc)}export interface ${record.name} {\n${fields.join('\n')}\n}`
}

/** The text of services/core/records.ts for today's schemas, before formatting. */
export function recordsSource(): string {
  const records = readAvroRecords()
  const names = [...records.keys()].map((name) => `readonly ${name}: ${name}`)
  return [
    '// Generated from schemas/*.avsc by `npm run generate`. Do not edit.',
    ...[...records.values()].map(interfaceOf),
    `/** Every record by its name. */\nexport interface Records {\n${names.join('\n')}\n}`,
    'export type RecordName = keyof Records',
  ].join('\n\n')
}

if (require.main === module) {
  writeFileSync(join(projectDirectory(), 'services', 'core', 'records.ts'), recordsSource())
}
