import { imageNames } from '@kosmos/testbed'

/** Pods and Deployments that go to leaves, for scenarios. */

export const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const

export interface PodParts {
  readonly cluster?: string
  readonly namespace?: string
  readonly spec?: Readonly<Record<string, unknown>>
  readonly container?: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, string>>
}

export function podSpec({ cluster, spec, container }: PodParts = {}) {
  return {
    tolerations: [toleration],
    terminationGracePeriodSeconds: 1,
    ...(cluster && { nodeSelector: { 'kosmos.io/cluster': cluster } }),
    containers: [{ name: 'main', image: imageNames.busybox, ...container }],
    ...spec,
  }
}

export function pod(name: string, parts: PodParts = {}) {
  const { namespace = 'default', annotations } = parts
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name }, ...(annotations && { annotations }) },
    spec: podSpec(parts),
  }
}

export function deployment(name: string, replicas: number, parts: PodParts = {}) {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: parts.namespace ?? 'default' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec(parts) } },
  }
}

/** Of one pod, with a volume `data` by a claim of its own. */
export function statefulSet(name: string, claimSpec: object, parts: PodParts = {}, spec: object = {}) {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace: parts.namespace ?? 'default' },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(parts) },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec }],
      ...spec,
    },
  }
}

/** A class of volumes; who makes them waits for their first pod unless it is told otherwise. */
export const storageClass = (name: string, provisioner: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...spec,
})
