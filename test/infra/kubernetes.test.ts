// No cluster runs where the tests do; that the manifests are well formed and speak of these services can be read.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { manifestFaults } from '../support/manifest-faults'
import {
  folders,
  kustomizationOf,
  manifestsOf,
  services,
  settingsMaps,
  textOf,
  workloads,
} from '../support/manifests'

const root = join(__dirname, '..', '..')
const everything = folders.flatMap((folder) =>
  manifestsOf(folder).map(
    (manifest) => [`${folder} ${manifest.kind} ${manifest.metadata.name}`, manifest] as const,
  ),
)
const podsOf = workloads().map((workload) => [workload.metadata.name, workload] as const)

test.each(everything)('%s is what its kind may be, and has no other field', (_name, manifest) => {
  expect(manifestFaults(manifest)).toEqual([])
})

test('a misspelt field, a wrong type and a missing field are faults', () => {
  const [service] = manifestsOf('base').filter(({ kind }) => kind === 'Service')
  expect(service).toBeDefined()
  const faultsWith = (spec: unknown): string =>
    manifestFaults({ ...service, spec } as never).join(', ')
  expect(faultsWith({ selectr: {} })).toBe('unknown field /spec/selectr')
  expect(faultsWith({ ports: [{ port: 'eighty' }] })).toMatch('port must be integer')
  expect(faultsWith({ ports: [{}] })).toMatch('must have required property port')
})

test.each(podsOf.filter(([name]) => name !== 'operator'))(
  '%s runs a file of the build',
  (_name, { spec }) => {
    const [node, file] = spec.template.spec.containers[0].command
    expect(node).toBe('node')
    expect(file).toMatch(/^dist\/.*\.js$/)
    expect(existsSync(join(root, file.replace(/^dist\/(.*)\.js$/, '$1.ts')))).toBe(true)
  },
)

test.each(podsOf)('%s may do nothing that a service need not', (_name, { spec }) => {
  const pod = spec.template.spec
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  })
  expect(pod.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
})

test('a volume belongs to whom the pods run as', () => {
  const withVolumes = podsOf.filter(([, { spec }]) => spec.volumeClaimTemplates !== undefined)
  expect(withVolumes.map(([name]) => name)).toEqual([
    'collector',
    'order-gateway',
    'stream-processor',
  ])
  for (const [, { spec }] of withVolumes) {
    expect(spec.template.spec.securityContext).toMatchObject({ runAsUser: 1000, fsGroup: 1000 })
  }
})

test.each(services().map((workload) => [workload.metadata.name, workload] as const))(
  '%s is asked whether it lives and is ready where it answers',
  (_name, { spec }) => {
    const { readinessProbe, livenessProbe, ports } = spec.template.spec.containers[0]
    const asked = [readinessProbe, livenessProbe].map((probe) => probe?.httpGet)
    expect(asked).toEqual([
      { path: '/ready', port: 'operations' },
      { path: '/live', port: 'operations' },
    ])
    const answering = readFileSync(join(root, 'services', 'runtime', 'http.ts'), 'utf8')
    for (const probe of asked) expect(answering).toContain(`app.get('${probe?.path ?? ''}'`)
    expect(ports?.map(({ name }) => name)).toContain('operations')
  },
)

test('every Service and rule of the network names a port that its pods have', () => {
  const portsOf = (name: string): string[] =>
    workloads()
      .map(({ spec }) => spec.template)
      .filter(({ metadata }) => metadata.labels['app.kubernetes.io/name'] === name)
      .flatMap(({ spec }) => spec.containers[0].ports?.map((port) => port.name) ?? [])
  const fronts = manifestsOf('base').filter(({ kind }) => kind === 'Service')
  expect(fronts.length).toBeGreaterThan(0)
  for (const { spec } of fronts) {
    const { selector, ports } = spec as {
      selector: Record<string, string>
      ports: { targetPort: string }[]
    }
    const found = portsOf(selector['app.kubernetes.io/name'] ?? '')
    for (const { targetPort } of ports) expect(found).toContain(targetPort)
  }
  const policies = manifestsOf('base').filter(({ kind }) => kind === 'NetworkPolicy')
  const named = policies.flatMap(({ spec }) =>
    (spec as { ingress: { ports: { port: string }[] }[] }).ingress.flatMap(({ ports }) =>
      ports.map(({ port }) => port),
    ),
  )
  expect(named).toEqual(['http', 'operations'])
})

test('the alert rules find the labels that pods are scraped under', () => {
  const [monitor] = manifestsOf('monitoring')
  const { jobLabel } = monitor?.spec as { jobLabel: string }
  const alerts = readFileSync(join(root, 'infra', 'prometheus', 'alerts.yml'), 'utf8')
  for (const [, { spec }] of podsOf) {
    expect(alerts).toContain(`job="${spec.template.metadata.labels[jobLabel] ?? ''}"`)
  }
})

test('no secret has a default, and each is named where an operator reads what to make', () => {
  const readme = textOf('README.md')
  const references = podsOf.flatMap(([, { spec }]) =>
    (spec.template.spec.containers[0].env ?? []).flatMap(({ name, valueFrom }) =>
      valueFrom === undefined ? [] : [{ setting: name, key: valueFrom.secretKeyRef.key }],
    ),
  )
  expect(references.length).toBeGreaterThan(10)
  for (const { key } of references) expect(readme).toContain(`\`${key}\``)
  const secret = new Set(references.map(({ setting }) => setting))
  const settings = [...settingsMaps().values()].flatMap((map) => Object.keys(map))
  expect(settings.filter((name) => secret.has(name) || /PASSWORD|SECRET/.test(name))).toEqual([])
})

test('the image is the one of this version', () => {
  const { version } = parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  for (const folder of ['base', 'example'] as const) {
    expect(kustomizationOf(folder).images).toMatchObject([{ name: 'tributary', newTag: version }])
  }
})
