// Loads the rules of services/core with a fault put into their text, beside the real ones: every file of core is
// read, changed where asked, compiled as the tests are, and given only core and node:assert to import.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { transformSync } from '@swc/core'
import { projectDirectory } from '../../services/runtime/schemas'

export interface Patch {
  /** From services/core on. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly text: string
  readonly instead: string
}

const core = join(projectDirectory(), 'services', 'core')

/** The exports of a file of services/core as they are under a patch. */
export function loadPatched(entry: string, patch: Patch): unknown {
  const loaded = new Map<string, object>()
  let patched = false
  const load = (file: string): object => {
    const known = loaded.get(file)
    if (known !== undefined) return known
    let source = readFileSync(file, 'utf8')
    if (relative(core, file) === patch.file) {
      assert.equal(
        source.split(patch.text).length,
        2,
        `${patch.file} must hold once: ${patch.text}`,
      )
      source = source.replace(patch.text, () => patch.instead)
      patched = true
    }
    const { code } = transformSync(source, {
      filename: file,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
    })
    const exported = {}
    loaded.set(file, exported)
    const requireFrom = (name: string): unknown =>
      name.startsWith('.') ? load(join(dirname(file), `${name}.ts`)) : assertOnly(name)
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of this file
    const run = new Function('exports', 'require', code) as (
      e: object,
      r: typeof requireFrom,
    ) => void
    run(exported, requireFrom)
    return exported
  }
  const exported = load(join(core, entry))
  assert(patched, `nothing loads ${patch.file}`)
  return exported
}

function assertOnly(name: string): unknown {
  assert.equal(name, 'node:assert/strict', `core imports ${name}`)
  return assert
}
