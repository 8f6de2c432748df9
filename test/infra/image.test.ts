// The image cannot be built everywhere the tests run; that what runs in it finds what it needs can be read.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { workloads } from '../support/manifests'

const root = join(__dirname, '..', '..')
const dockerfile = readFileSync(join(root, 'infra', 'Dockerfile'), 'utf8')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}

/** Services and jobs of the manifests, and what an operator starts beside them. */
const entries = [
  ...workloads()
    .map(({ spec }) => spec.template.spec.containers[0].command[1])
    .filter((file) => file.startsWith('dist/')),
  ...['ledger', 'dead-letters', 'forget', 'train'].map((script) => `dist/scripts/${script}.js`),
].map((file) => file.replace(/^dist\/(.*)\.js$/, '$1.ts'))

/** Every file that is loaded for these, and every package. */
function loadedBy(files: readonly string[]): { ours: Set<string>; packages: Set<string> } {
  const ours = new Set(files)
  const packages = new Set<string>()
  for (const file of ours) {
    // Types are not loaded.
    const text = readFileSync(join(root, file), 'utf8').replace(
      /^(?:import|export) type [^']*'[^']+'/gm,
      '',
    )
    for (const [, target = ''] of text.matchAll(/(?:from|import|require\()\s*'([^']+)'/g)) {
      if (target.startsWith('.')) {
        ours.add(`${relative(root, join(root, dirname(file), target))}.ts`)
      } else if (!target.startsWith('node:')) {
        packages.add(target.split('/', target.startsWith('@') ? 2 : 1).join('/'))
      }
    }
  }
  return { ours, packages }
}

test('what runs in the image needs no development package', () => {
  const { ours, packages } = loadedBy(entries)
  expect(ours).toContain('services/stream-processor/lmdb-store.ts')
  expect(packages).toContain('lmdb')
  expect([...packages].filter((name) => !(name in dependencies))).toEqual([])
})

test('what runs in the image is built into it', () => {
  const folders = new Set([...loadedBy(entries).ours].map((file) => file.split('/')[0] ?? ''))
  for (const folder of folders) expect(dockerfile).toContain(`COPY ${folder} ${folder}\n`)
})

test('what is copied into the image is there', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, sources = '']) => sources.split(' '),
  )
  expect(copied).toEqual(
    expect.arrayContaining(['services/stream-processor/attribution.json', 'infra/clickhouse']),
  )
  expect(copied.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

test('the image is of the Node release that the ERP’s is of, and nobody in it is root', () => {
  const erp = readFileSync(join(root, 'infra', 'erp', 'Dockerfile'), 'utf8')
  const basesOf = (text: string): string[] =>
    [...text.matchAll(/^FROM (\S+)/gm)].map(([, base = '']) => base)
  expect(new Set(basesOf(dockerfile))).toEqual(new Set(basesOf(erp)))
  expect(dockerfile).toMatch(/\nUSER 1000:1000\n$/)
})
