import { deployment, pod } from '../../platform/manifests.ts'
import type { Random } from '../../platform/random.ts'

interface Share {
  readonly name: string
  readonly replicas?: number
  readonly weight?: number
  readonly min?: number
  readonly max?: number
}

/** Pods that one policy counts: of a Deployment, or bare ones. */
export interface PlannedWorkload {
  readonly name: string
  readonly kind: 'Deployment' | 'Pod'
  readonly pods: number
  readonly policy: {
    readonly allocationPolicy: readonly Share[]
    readonly allocationType: 'Required' | 'Preferred'
    readonly allocationMethod: 'Balance' | 'Fill'
    readonly allocationScope: 'Revision' | 'Workload'
    readonly whenUnavailable?: 'Spill' | 'Wait'
  }
}

/** Workloads with policies of all sorts, so many pods together. */
export function plan(random: Random, clusters: readonly string[], pods: number): PlannedWorkload[] {
  const count = Math.max(4, Math.round(pods / 200))
  const each = Math.floor(pods / count)
  return Array.from({ length: count }, (_, i) => {
    const size = i === 0 ? pods - each * (count - 1) : each
    return {
      name: `storm-${i}`,
      kind: i % 2 === 0 ? 'Pod' : 'Deployment',
      pods: size,
      policy: {
        allocationPolicy: shares(random, shuffled(random, clusters), size),
        allocationType: random.below(2) === 0 ? 'Required' : 'Preferred',
        allocationMethod: random.below(3) === 0 ? 'Fill' : 'Balance',
        allocationScope: random.below(2) === 0 ? 'Revision' : 'Workload',
      },
    }
  })
}

function shares(random: Random, names: readonly string[], pods: number): Share[] {
  const part = Math.ceil(pods / names.length)
  // Somewhat more or fewer places than pods, so that some wait, or some seats stay free.
  const about = () => Math.max(1, Math.round(part * (0.7 + random.below(70) / 100)))
  return names.map((name) => {
    if (random.below(2) === 0) return { name, replicas: about() }
    const max = random.below(2) === 0 ? about() : undefined
    const min = random.below(3) === 0 ? Math.floor(part / 3) : undefined
    const limits = { ...(max !== undefined && { max }), ...(min !== undefined && { min: Math.min(min, max ?? min) }) }
    return { name, weight: 1 + random.below(5), ...limits }
  })
}

function shuffled<T>(random: Random, all: readonly T[]): T[] {
  const left = [...all]
  return all.flatMap(() => left.splice(random.below(left.length), 1))
}

export const maxOf = ({ replicas, max }: Share): number => replicas ?? max ?? Number.POSITIVE_INFINITY

/**
 * What each cluster should have of so many pods, by the definition, not by our own code: one seat after the other, the minima first, then the
 * highest average, or the first of the list that is not full.
 */
export function allotted({ policy }: PlannedWorkload, pods: number): Record<string, number> {
  const { allocationPolicy, allocationMethod } = policy
  const taken = new Map(allocationPolicy.map(({ name }) => [name, 0]))
  for (let i = 0; i < pods; i++) {
    const open = allocationPolicy.filter((share) => (taken.get(share.name) ?? 0) < maxOf(share))
    const minimal = open.filter(({ name, replicas, min = 0 }) => (taken.get(name) ?? 0) < (replicas ?? min))
    const asking = minimal.length > 0 ? minimal : open
    const average = ({ name, weight, replicas = 1 }: Share) =>
      (weight ?? Math.max(replicas, 1)) / (2 * (taken.get(name) ?? 0) + 1)
    const best =
      allocationMethod === 'Fill'
        ? asking[0]
        : asking.reduce<Share | undefined>(
            (best, one) => (best === undefined || average(one) > average(best) ? one : best),
            undefined,
          )
    if (best === undefined) break
    taken.set(best.name, (taken.get(best.name) ?? 0) + 1)
  }
  return Object.fromEntries(taken)
}

type Planned = Pick<PlannedWorkload, 'name' | 'policy'> & {
  readonly kind: PlannedWorkload['kind'] | 'Job' | 'StatefulSet'
}

export function policyManifest({ name, kind, policy }: Planned, namespace: string): object {
  const who = kind === 'Pod' ? { labelSelector: { matchLabels: { app: name } } } : { workload: { kind, name } }
  return {
    apiVersion: 'kosmos.io/v1alpha1',
    kind: 'WorkloadPolicy',
    metadata: { namespace, name },
    spec: { topologyKey: 'kosmos.io/cluster', ...who, ...policy },
  }
}

export const deploymentManifest = ({ name, pods }: PlannedWorkload, namespace: string): object =>
  deployment(name, pods, { namespace })

export function podManifest({ name }: PlannedWorkload, namespace: string, number: number): object {
  const one = pod(`${name}-${number}`, { namespace })
  return { ...one, metadata: { ...one.metadata, labels: { app: name } } }
}
