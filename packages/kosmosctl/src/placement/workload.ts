import { defaultWorkloadPolicy, workloadPolicyProblems } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { StoredPolicy } from '@kosmos/scheduler'
import { loadAll } from 'js-yaml'
import { Failure } from '../terminal/failure.ts'

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Pod['spec']
}

/** A workload as a manifest has it. */
export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'Job'
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: { readonly replicas?: number; readonly parallelism?: number; readonly template: Template }
}

const kinds: readonly string[] = ['Deployment', 'StatefulSet', 'ReplicaSet', 'Job']

/**
 * The one workload of a manifest, and the WorkloadPolicies beside it.
 * @throws Failure
 */
export function readManifest(text: string, namespace: string): { workload: Workload; policies: StoredPolicy[] } {
  const objects = documents(text)
  const workloads = objects.filter(({ kind }) => kinds.includes(kind ?? ''))
  const [workload, ...others] = workloads as unknown as Workload[]
  if (workload === undefined || others.length > 0) {
    throw new Failure(`${workloads.length} workloads are in the manifest, and one is needed`, {
      next: `give it one of ${kinds.join(', ')}, and WorkloadPolicies if you like`,
    })
  }
  if (workload.spec?.template?.spec === undefined || !workload.metadata?.name) {
    throw new Failure(`the ${workload.kind} has no metadata.name or no spec.template.spec`)
  }
  const policies = objects.filter(({ kind }) => kind === 'WorkloadPolicy') as unknown as StoredPolicy[]
  return { workload, policies: policies.map((policy) => stored(policy, namespace)) }
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
    throw new Failure(`the manifest is no YAML: ${(error as Error).message}`, { cause: error })
  }
}

/** As the API server stores it, which refuses what is wrong. */
function stored(policy: StoredPolicy, namespace: string): StoredPolicy {
  const { metadata } = policy
  const [problem] = workloadPolicyProblems(policy)
  if (problem) throw new Failure(`WorkloadPolicy ${metadata?.name}: ${problem.path}: ${problem.message}`)
  return defaultWorkloadPolicy({
    ...policy,
    metadata: { ...metadata, namespace: metadata.namespace ?? namespace, uid: `simulated-${metadata.name}` },
  })
}

/** Pods as the controllers of the root would make them of a workload that is new. */
export function podsOf({ kind, metadata, spec }: Workload, namespace: string, replicas: number): Pod[] {
  const hash = 'simulated'
  const owner =
    kind === 'Deployment' ? { kind: 'ReplicaSet', name: `${metadata.name}-${hash}` } : { kind, name: metadata.name }
  const labels = { ...spec.template.metadata?.labels, ...(kind === 'Deployment' && { 'pod-template-hash': hash }) }
  return Array.from({ length: replicas }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      name: `${metadata.name}-${hash}-${i}`,
      uid: `${hash}-${i}`,
      resourceVersion: '0',
      labels,
      ownerReferences: [{ apiVersion: 'apps/v1', ...owner, uid: hash, controller: true }],
    },
    spec: spec.template.spec,
  }))
}
