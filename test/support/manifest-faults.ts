// Whether a manifest is one that Kubernetes, KEDA or the Prometheus operator would take, by their own schemas. These let unknown fields
// pass, as a misspelt one is: so it is watched which fields are asked about at all.
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication'
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import type { Manifest } from './manifests'

interface Kind {
  new (data: never): { validate(): void }
  readonly apiVersion: string
  readonly kind: string
}

const kinds: readonly Kind[] = [
  ...[Deployment, StatefulSet, Job, Service, ServiceAccount, Namespace],
  ...[Ingress, NetworkPolicy, PodDisruptionBudget, HorizontalPodAutoscaler],
  ...[ScaledObject, TriggerAuthentication, PodMonitor],
]

/** What is wrong with a manifest, and every field that its kind does not have. */
export function manifestFaults(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest
  const known = kinds.find((one) => one.apiVersion === apiVersion && one.kind === kind)
  if (known === undefined) return [`no schema for ${apiVersion} ${kind}`]
  const unread = new Set(pathsOf(manifest, ''))
  try {
    watch(new known(manifest as never), '', unread).validate()
  } catch (error) {
    return [String(error)]
  }
  return [...unread].map((path) => `unknown field ${path}`)
}

function pathsOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, child]) => [
    `${path}/${name}`,
    ...pathsOf(child, `${path}/${name}`),
  ])
}

/** The same value, which strikes each field off `unread` when it is looked at. */
function watch<Value>(value: Value, path: string, unread: Set<string>): Value {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get: (target, name) => {
      const read: unknown = Reflect.get(target, name)
      if (typeof name === 'symbol' || typeof read === 'function') return read
      unread.delete(`${path}/${name}`)
      return watch(read, `${path}/${name}`, unread)
    },
  })
}
