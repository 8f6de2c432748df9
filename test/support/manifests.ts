// The Kubernetes manifests as a reader finds them: what a kustomization lists, before anybody patches it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

const directory = join(__dirname, '..', '..', 'infra', 'kubernetes')

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: unknown
}

interface EnvironmentEntry {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly secretKeyRef: {
      readonly name: string
      readonly key: string
      readonly optional?: boolean
    }
  }
}

export interface Container {
  readonly name: string
  readonly command: readonly [string, string, ...string[]]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly envFrom: readonly { readonly configMapRef?: { readonly name: string } }[]
  readonly env?: readonly EnvironmentEntry[]
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly securityContext: unknown
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

export interface Workload extends Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly securityContext: unknown
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly [Container]
      }
    }
    readonly volumeClaimTemplates?: readonly [
      {
        readonly metadata: { readonly name: string }
        readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } }
      },
    ]
  }
}

export interface Kustomization {
  readonly resources: readonly string[]
  readonly configMapGenerator?: readonly { readonly name: string; readonly envs?: string[] }[]
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name: string }
    readonly patch: string
  }[]
  readonly images?: readonly { readonly name: string; readonly newTag: string }[]
}

export const folders = ['base', 'autoscaling', 'kafka-login', 'monitoring', 'example'] as const
type Folder = (typeof folders)[number]

export function textOf(file: string): string {
  return readFileSync(join(directory, file), 'utf8')
}

export function kustomizationOf(folder: Folder): Kustomization {
  return parse(textOf(join(folder, 'kustomization.yaml'))) as Kustomization
}

/** What a folder adds by itself, without the folders it builds on. */
export function manifestsOf(folder: Folder): Manifest[] {
  return kustomizationOf(folder)
    .resources.filter((resource) => resource.endsWith('.yaml'))
    .flatMap((file) => parseAllDocuments(textOf(join(folder, file))))
    .map((document) => document.toJS() as Manifest)
}

/** Whatever runs pods. */
export function workloads(): Workload[] {
  const kinds = ['Deployment', 'StatefulSet', 'Job']
  return manifestsOf('base').filter(({ kind }) => kinds.includes(kind)) as Workload[]
}

/** Workloads that run a service of ours all the time. */
export function services(): Workload[] {
  return workloads().filter(({ spec }) =>
    spec.template.spec.containers[0].command[1].startsWith('dist/services/'),
  )
}

/** Names and values of the ConfigMaps that the base makes of settings/*.env. */
export function settingsMaps(): Map<string, Record<string, string>> {
  const made = kustomizationOf('base').configMapGenerator ?? []
  return new Map(
    made.map(({ name, envs = [] }) => {
      const lines = envs.flatMap((file) => textOf(join('base', file)).split('\n'))
      const entries = lines
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
      return [name, Object.fromEntries(entries) as Record<string, string>]
    }),
  )
}
