// The alert rules speak of metrics; that each of them is really counted by the service it names can be read.
// Whether the rules fire when they should: promtool test rules infra/prometheus/alerts.test.yml
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { serviceNames } from '../../scripts/evening/company'
import { fixedDemoPorts, operationsPortOf } from '../../scripts/evening/ports'
import { trainerSettings } from '../../services/model-trainer/config'

/** The demo trains by itself, so the trainer is none of its services. */
const services = [...serviceNames, 'model-trainer'] as const

const root = join(__dirname, '..', '..')
const prometheus = join(root, 'infra', 'prometheus')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}

function parsed(file: string): unknown {
  return parse(readFileSync(join(prometheus, file), 'utf8'))
}

const { groups } = parsed('alerts.yml') as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
function textOf(folder: string): string {
  const directory = join(root, 'services', folder)
  return readdirSync(directory)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('\n')
}

/** Names as the services' own code declares them, in their folder or in what they share. */
function countedBy(service: string): Set<string> {
  const prefix = `attribution_${service.replaceAll('-', '_')}_`
  const declared = `${textOf(service)}\n${textOf('runtime')}`.matchAll(
    /\b(?:gauge|counter|(histogram))\(\s*'([a-z_]+)'/g,
  )
  return new Set(
    [...declared].flatMap(([, histogram, name = '']) =>
      histogram === undefined
        ? [prefix + name]
        : ['_bucket', '_sum', '_count'].map((part) => prefix + name + part),
    ),
  )
}

test('every metric of the alert rules is counted by the service it is named after', () => {
  const counted = new Set(services.flatMap((service) => [...countedBy(service)]))
  const named = rules.flatMap(({ expr }) => expr.match(/attribution_[a-z_]+/g) ?? [])
  expect(named.length).toBeGreaterThan(20)
  expect([...new Set(named)].filter((name) => !counted.has(name))).toEqual([])
})

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  '%s says how bad it is, what is wrong and what to do',
  (_name, { labels, annotations }) => {
    expect(['page', 'ticket']).toContain(labels.severity)
    expect(annotations.summary).not.toBe('')
    expect(annotations.action).not.toBe('')
  },
)

test('an alert has a name of its own', () => {
  const names = rules.map(({ alert }) => alert)
  expect(new Set(names).size).toBe(names.length)
})

test('Prometheus asks every service, and evaluates the rules', () => {
  const config = parsed('prometheus.yml') as {
    rule_files: string[]
    scrape_configs: { static_configs: { targets: string[]; labels: { service: string } }[] }[]
  }
  expect(config.rule_files).toEqual(['alerts.yml'])
  const asked = config.scrape_configs.flatMap(({ static_configs }) => static_configs)
  expect(asked.map(({ targets, labels }) => [labels.service, targets])).toEqual(
    services.map((service) => [service, [`host.docker.internal:${portOf(service)}`]]),
  )
})

function portOf(service: (typeof services)[number]): number {
  if (service !== 'model-trainer') return operationsPortOf(fixedDemoPorts, service)
  return trainerSettings.OPERATIONS_PORT.parse(undefined)
}
