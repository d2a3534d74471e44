import type { WorkloadPolicy } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { type CompiledPolicy, compilePolicy, type StoredPolicy } from './policies/compiled-policy.ts'

export interface PodParts {
  readonly name?: string
  readonly uid?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner?: { readonly kind: string; readonly name: string; readonly uid?: string }
  readonly isDeleting?: boolean
  readonly spec?: Partial<Pod['spec']>
  readonly status?: Pod['status']
}

/** A pod as the root returns one, in the namespace `shop`. */
export function podLike(parts: PodParts = {}): Pod {
  const {
    name = 'web-1',
    uid = `uid-of-${name}`,
    labels = {},
    annotations = {},
    owner,
    isDeleting,
    spec,
    status,
  } = parts
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name,
      uid,
      resourceVersion: '1',
      labels,
      annotations,
      ...(owner && {
        ownerReferences: [{ apiVersion: 'apps/v1', uid: `uid-of-${owner.name}`, controller: true, ...owner }],
      }),
      ...(isDeleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { containers: [], ...spec },
    status: status ?? {},
  }
}

type Spec = WorkloadPolicy['spec']

/** A WorkloadPolicy of Deployment web in the namespace `shop`, with the defaults that an API server sets. */
export function policyLike(spec: Partial<Spec> & Pick<Spec, 'allocationPolicy'>, name = 'web', generation = 1) {
  const defaults = {
    topologyKey: 'kosmos.io/cluster',
    allocationType: 'Preferred',
    allocationMethod: 'Balance',
    allocationScope: 'Revision',
  } as const
  const who = spec.labelSelector ? {} : { workload: { kind: 'Deployment', name: 'web' } as const }
  const metadata = { namespace: 'shop', name, uid: `uid-of-${name}`, resourceVersion: '1', generation }
  return {
    apiVersion: 'kosmos.io/v1alpha1',
    kind: 'WorkloadPolicy',
    metadata,
    spec: { ...defaults, ...who, ...spec },
  } as StoredPolicy
}

export const compiled = (...args: Parameters<typeof policyLike>): CompiledPolicy => compilePolicy(policyLike(...args))
