// Loads the rules and the stage runner with a fault put into their text, beside the real ones: every file of
// services/core and services/stream-processor that the entry leads to is read, changed where asked, and compiled as
// the tests are; everything else is imported as it is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { transformSync } from '@swc/core'
import { projectDirectory } from '../../services/runtime/schemas'

export interface Patch {
  /** From services/ on. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly text: string
  readonly instead: string
}

const services = join(projectDirectory(), 'services')

/** The exports of a file of services/ as they are under a patch. */
export function loadPatched(entry: string, patches: readonly Patch[]): unknown {
  const loaded = new Map<string, object>()
  const patched = new Set<Patch>()
  const load = (file: string): object => {
    const known = loaded.get(file)
    if (known !== undefined) return known
    let source = readFileSync(file, 'utf8')
    for (const patch of patches.filter((one) => one.file === relative(services, file))) {
      assert.equal(
        source.split(patch.text).length,
        2,
        `${patch.file} must hold once: ${patch.text}`,
      )
      source = source.replace(patch.text, () => patch.instead)
      patched.add(patch)
    }
    const exported = {}
    loaded.set(file, exported)
    const requireFrom = (name: string): unknown => {
      const path = name.startsWith('.') ? join(dirname(file), `${name}.ts`) : name
      const ours = /^(core|stream-processor)\//.test(relative(services, path))
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- what is not patched is shared
      return ours ? load(path) : (require(path) as unknown)
    }
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of this file
    const run = new Function('exports', 'require', compiled(source, file)) as (
      exports: object,
      require: typeof requireFrom,
    ) => void
    run(exported, requireFrom)
    return exported
  }
  const exported = load(join(services, entry))
  for (const patch of patches) assert(patched.has(patch), `nothing loads ${patch.file}`)
  return exported
}

function compiled(source: string, filename: string): string {
  const { code } = transformSync(source, {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  })
  return code
}
