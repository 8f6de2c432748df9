// The schemas a spool's records were written with, beside them: a later version of this edge, started after an
// upgrade, must be able to ask the registry for the id of a schema it does not write with any more.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DependencyError, SetupError } from './errors'
import { syncDirectory, writeDurably } from './spool-segment'

/** The name under which a schema's records are spooled: a digest of its text. */
export function schemaName(schema: string): string {
  return createHash('sha256').update(schema).digest('hex').slice(0, 16)
}

/** Writes the schema beside the spool's segments; a damaged file under its name is replaced.
 * @throws SetupError when it cannot be written */
export async function keepSchema(directory: string, schema: string): Promise<void> {
  const path = pathOf(directory, schemaName(schema))
  try {
    if (existsSync(path) && (await readFile(path, 'utf8')) === schema) return
    await writeDurably(`${path}.new`, Buffer.from(schema))
    await rename(`${path}.new`, path)
    await syncDirectory(directory)
  } catch (cause) {
    throw new SetupError(`cannot use the spool in ${directory}: ${String(cause)}`, { cause })
  }
}

/** @throws DependencyError when the file is missing or is not what its name says */
export async function readSchema(directory: string, name: string): Promise<string> {
  const path = pathOf(directory, name)
  try {
    const schema = await readFile(path, 'utf8')
    if (schemaName(schema) === name) return schema
  } catch (cause) {
    throw new DependencyError('spool', cause)
  }
  throw new DependencyError('spool', `${path} is damaged: put the schema of its version back`)
}

function pathOf(directory: string, name: string): string {
  return join(directory, `schema-${name}.avsc`)
}
