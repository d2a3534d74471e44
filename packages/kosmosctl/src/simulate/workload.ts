import {
  defaultDistributionPolicy,
  defaultWorkloadPolicy,
  distributionPolicyProblems,
  workloadPolicyProblems,
} from '@kosmos/api'
import type { KubeObject, Namespace, Pod } from '@kosmos/kube'
import type { StoredDistribution, StoredPolicy } from '@kosmos/scheduler'
import { loadAll } from 'js-yaml'
import { Failure } from '../terminal/failure.ts'
import type { PriorityClass } from './admission/priority.ts'
import type { ResourceQuota } from './admission/quota.ts'
import { defaultLimitRange, type LimitRange } from './admission/requests.ts'
import type { RuntimeClass } from './admission/runtime-class.ts'

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Pod['spec']
}

/** A workload as a manifest has it. */
export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'Job'
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: {
    readonly replicas?: number
    readonly parallelism?: number
    readonly completions?: number
    readonly ordinals?: { readonly start?: number }
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
    readonly template: Template
  }
}

const kinds: readonly string[] = ['Deployment', 'StatefulSet', 'ReplicaSet', 'Job']

/** What a simulation is told. */
export interface Manifest {
  readonly workload: Workload
  readonly policies: readonly StoredPolicy[]
  readonly distributions: readonly StoredDistribution[]
  readonly namespaces: readonly Namespace[]
  /** Of the namespace of the workload. */
  readonly quotas: readonly ResourceQuota[]
  readonly ranges: readonly LimitRange[]
  readonly priorities: readonly PriorityClass[]
  readonly runtimes: readonly RuntimeClass[]
}

/**
 * The one workload of a manifest, and the policies and namespaces beside it.
 * @throws Failure
 */
export function readManifest(text: string, namespace: string): Manifest {
  const objects = documents(text)
  const workloads = objects.filter(({ kind }) => kinds.includes(kind ?? ''))
  const [workload, ...others] = workloads as unknown as Workload[]
  if (workload === undefined || others.length > 0) {
    throw new Failure(`${workloads.length} workloads are in the manifest, and one is needed`, {
      next: `give it one of ${kinds.join(', ')}, with policies and namespaces if you like`,
    })
  }
  if (workload.spec?.template?.spec === undefined || !workload.metadata?.name) {
    throw new Failure(`the ${workload.kind} has no metadata.name or no spec.template.spec`, {
      next: 'kubectl create --dry-run=server -f FILE says whether the API server takes it',
    })
  }
  const ofKinds = (...kinds: string[]) => objects.filter(({ kind = '' }) => kinds.includes(kind))
  const policies = ofKinds('WorkloadPolicy') as unknown as StoredPolicy[]
  const distributions = ofKinds('DistributionPolicy', 'ClusterDistributionPolicy') as unknown as StoredDistribution[]
  const namespaces = named<Namespace>(ofKinds('Namespace'), 'Namespace')
  const own = workload.metadata.namespace ?? namespace
  const within = <T>(kind: string) =>
    named<NamedObject>(ofKinds(kind), kind)
      .map((one) => ({ ...one, metadata: { ...one.metadata, namespace: one.metadata.namespace ?? namespace } }))
      .filter(({ metadata }) => metadata.namespace === own) as T[]
  return {
    workload,
    namespaces,
    quotas: within<ResourceQuota>('ResourceQuota'),
    ranges: within<LimitRange>('LimitRange').map(defaultLimitRange),
    priorities: named<PriorityClass>(ofKinds('PriorityClass'), 'PriorityClass'),
    runtimes: named<RuntimeClass>(ofKinds('RuntimeClass'), 'RuntimeClass'),
    policies: policies.map((policy) => defaultWorkloadPolicy(stored(policy, workloadPolicyProblems, namespace))),
    distributions: distributions.map((policy) =>
      defaultDistributionPolicy(stored(policy, distributionPolicyProblems, namespace)),
    ),
  }
}

interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

function named<T extends Pick<KubeObject, 'metadata'>>(objects: readonly Document[], kind: string): T[] {
  const all = objects as readonly unknown[] as T[]
  if (all.some(({ metadata }) => !metadata?.name)) throw new Failure(`a ${kind} has no metadata.name`)
  return all
}

interface Document {
  readonly kind?: string
  readonly items?: readonly Document[]
}

function documents(text: string): Document[] {
  try {
    const parsed = loadAll(text) as (Document | null)[]
    return parsed.flatMap((one) => (one?.kind === 'List' ? (one.items ?? []) : one ? [one] : []))
  } catch (error) {
    // The message of the parser has several lines, and the text around the place.
    const [what = ''] = (error as Error).message.split('\n')
    throw new Failure(`the manifest is no YAML: ${what}`, {
      next: 'correct the file of --filename at that place (line:column)',
      cause: error,
    })
  }
}

/** As the API server stores it, which refuses what is wrong. */
function stored<T extends StoredPolicy | StoredDistribution>(
  policy: T,
  problemsOf: (policy: T) => readonly { readonly path: string; readonly message: string }[],
  namespace: string,
): T {
  const { kind, metadata } = policy
  if (!metadata?.name) throw new Failure(`the ${kind} has no metadata.name`)
  const [problem] = problemsOf(policy)
  if (problem) throw new Failure(`${kind} ${metadata.name}: ${problem.path}: ${problem.message}`)
  const where = kind === 'ClusterDistributionPolicy' ? {} : { namespace: metadata.namespace ?? namespace }
  return { ...policy, metadata: { ...metadata, ...where, uid: `simulated-${metadata.name}` } }
}

/** How many pods it has at once. */
export function replicasOf({ kind, spec }: Workload): number {
  if (kind !== 'Job') return spec.replicas ?? 1
  return Math.min(spec.parallelism ?? 1, spec.completions ?? Number.POSITIVE_INFINITY)
}

/** Stands for what a controller would choose. */
const HASH = 'simulated'

/** Pods as the controllers of the root would make them of a workload that is new, as far as places depend on it. */
export function podsOf(workload: Workload, namespace: string, replicas: number): Pod[] {
  const { kind, metadata, spec } = workload
  const owner =
    kind === 'Deployment'
      ? { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${metadata.name}-${HASH}` }
      : { apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1', kind, name: metadata.name }
  return Array.from({ length: replicas }, (_, i) => {
    const { name, labels, volumes = [] } = ownOf(workload, i)
    const isClaimed = (volume: string) => volumes.some(({ name }) => name === volume)
    const all = [...volumes, ...(spec.template.spec.volumes ?? []).filter(({ name }) => !isClaimed(name))]
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace,
        name,
        uid: `${HASH}-${i}`,
        resourceVersion: '0',
        labels: { ...spec.template.metadata?.labels, ...labels },
        ownerReferences: [{ ...owner, uid: HASH, controller: true }],
      },
      spec: { ...spec.template.spec, ...(all.length > 0 && { volumes: all }) },
    }
  })
}

/** What its controller gives the `i`th pod (from 0) beside the template. */
function ownOf({ kind, metadata, spec }: Workload, i: number) {
  const name = `${metadata.name}-${HASH}-${i}`
  switch (kind) {
    case 'Deployment':
      return { name, labels: { 'pod-template-hash': HASH } }
    case 'ReplicaSet':
      return { name, labels: {} }
    case 'Job':
      return { name, labels: { 'batch.kubernetes.io/job-name': metadata.name, 'job-name': metadata.name } }
    case 'StatefulSet': {
      const ordinal = String((spec.ordinals?.start ?? 0) + i)
      const name = `${metadata.name}-${ordinal}`
      const labels = { 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': ordinal }
      const volumes = (spec.volumeClaimTemplates ?? []).map(({ metadata: { name: claim } }) => ({
        name: claim,
        persistentVolumeClaim: { claimName: `${claim}-${name}` },
      }))
      return { name, labels, volumes }
    }
  }
}
