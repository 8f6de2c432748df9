// The architecture, executable. THINK about the layering of the project before changing this file; what ESLint
// can check stands in scripts/eslint.config.mjs.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { recordsSource } from '../scripts/generate-records'
import { readmeOf, servicesWithSettings } from '../scripts/generate-settings'

const root = join(__dirname, '..')

function filesUnder(directory: string): string[] {
  if (!existsSync(join(root, directory))) return []
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

const services = filesUnder('services')
const everything = [...services, ...['scripts', 'infra', 'test', 'grafana'].flatMap(filesUnder)]
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

interface Import {
  readonly file: string
  /** A path from the root, or a package's name. */
  readonly target: string
  readonly ours: boolean
}

function importsOf(file: string): Import[] {
  const specifiers = [...textOf(file).matchAll(/(?:from|import|require\()\s*'([^']+)'/g)].map(
    (found) => found[1] ?? '',
  )
  return specifiers.map((specifier) => {
    const ours = specifier.startsWith('.')
    const target = ours ? relative(root, join(root, dirname(file), specifier)) : specifier
    return { file, target, ours }
  })
}

function layerOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function mayImport({ file, target, ours }: Import): boolean {
  const layer = layerOf(file)
  if (!ours) return layer !== 'core' || target === 'node:assert/strict'
  if (!target.startsWith('services/')) return false
  const allowed = layer === 'core' ? ['core'] : ['core', 'runtime', layer]
  return allowed.includes(layerOf(target))
}

test('core imports core, runtime imports core, a service imports both, and no service another', () => {
  const wrong = services.flatMap(importsOf).filter((one) => !mayImport(one))
  expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([])
})

test.each([
  ['kafkajs', /^services\/runtime\/kafka[a-z-]*\.ts$/],
  ['avsc', /^services\/runtime\/codec\.ts$/],
  ['@kafkajs/confluent-schema-registry', /^services\/runtime\/codec\.ts$/],
  ['@clickhouse/client', /^services\/runtime\/clickhouse\.ts$/],
  ['lmdb', /^services\/stream-processor\/lmdb-store\.ts$/],
])('%s has one importer', (driver, importer) => {
  const importers = services
    .flatMap(importsOf)
    .filter(({ target }) => target === driver || target.startsWith(`${driver}/`))
  expect(importers.map(({ file }) => file).filter((file) => !importer.test(file))).toEqual([])
})

test('core knows no clock, no chance, no waiting and no environment', () => {
  const impure = /\basync\b|\bawait\b|\bPromise\b|Date\.now|new Date\(\)|Math\.random|process\.env/
  const code = (file: string): string => textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  expect(services.filter((file) => layerOf(file) === 'core' && impure.test(code(file)))).toEqual([])
})

test('services read the environment only in config files', () => {
  const reading = services.filter((file) => textOf(file).includes('process.env'))
  expect(reading.filter((file) => !file.endsWith('/config.ts'))).toEqual([])
})

test('every main.ts stays a composition root of at most 60 lines', () => {
  const long = services.filter(
    (file) => file.endsWith('/main.ts') && textOf(file).split('\n').length > 61,
  )
  expect(long).toEqual([])
})

test('files are named in kebab-case for what they hold', () => {
  const nameless = /(^|\/)(utils?|helpers?|common|lib|types|index)\.ts$/
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/
  const wrong = everything.filter(
    (file) => nameless.test(file) || !kebab.test(file.split('/').at(-1) ?? ''),
  )
  expect(wrong).toEqual([])
})

test('there are no abstract classes, and no inheritance but from Error', () => {
  const inheriting = /\babstract class\b|\bclass \w+ extends (?!Error\b)/
  expect(
    everything.filter((file) => file !== 'test/tidy.test.ts' && inheriting.test(textOf(file))),
  ).toEqual([])
})

test('no file is out of reach of an entry point or a test', () => {
  const isEntry = (file: string): boolean =>
    file.endsWith('/main.ts') ||
    file.endsWith('.test.ts') ||
    file.endsWith('.d.ts') ||
    file.startsWith('scripts/') ||
    /^infra\/(local|erp)\/[a-z-]+\.ts$/.test(file) ||
    /^test\/support\/(st|patience)/.test(file)
  const reached = new Set(everything.filter(isEntry))
  for (const file of reached) {
    for (const { target, ours } of importsOf(file)) {
      if (ours) reached.add(`${target.replace(/\.ts$/, '')}.ts`)
    }
  }
  expect(everything.filter((file) => !reached.has(file))).toEqual([])
})

test('services/core/records.ts is what the schemas say', () => {
  const unformatted = (text: string): string => text.replace(/[\s|]/g, '')
  expect(unformatted(textOf('services/core/records.ts'))).toBe(unformatted(recordsSource()))
})

test.each(servicesWithSettings)('the README of %s lists its settings', (service) => {
  const unformatted = (text: string): string => text.replace(/[\s-]/g, '')
  expect(unformatted(textOf(`services/${service}/README.md`))).toBe(unformatted(readmeOf(service)))
})

test('tests mock no module and sleep nowhere', () => {
  const forbidden = new RegExp(['jest', '\\.(mock|spyOn)\\(|\\bsleep\\('].join(''))
  const tests = everything.filter(
    (file) => file.startsWith('test/') && file !== 'test/tidy.test.ts',
  )
  expect(tests.filter((file) => forbidden.test(textOf(file)))).toEqual([])
})
