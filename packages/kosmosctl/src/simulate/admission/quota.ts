import {
  isPodLevel,
  type KubeObject,
  type Pod,
  parseQuantity,
  podLimits,
  podRequests,
  type Quantity,
  resource,
} from '@kosmos/kube'
import { areScopesKnown, isInScopes, type Scoped } from './quota-scopes.ts'

export interface ResourceQuota extends KubeObject {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec?: {
    readonly hard?: Readonly<Record<string, string>>
  } & Scoped
}

export const resourceQuotas = resource<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')

/** How many pods the quotas of their namespace let be made. */
export interface Allowance {
  readonly pods: number
  /** The quota, and the resource in it, that lets no more be made; undefined: all are. */
  readonly by: { readonly quota: string; readonly resource: string } | undefined
}

const one = parseQuantity(1)
const none = parseQuantity(0)

type Amounts = Readonly<Record<string, string>>

interface Resources {
  readonly requests?: Amounts
  readonly limits?: Amounts
}

/** What a quota counts of pods, which may be named without a prefix (podComputeUsageHelper). */
const requested = (name: string): string | undefined =>
  /^(?:requests\.)?(cpu|memory|ephemeral-storage|hugepages-.*)$/.exec(name)?.[1] ??
  // The other one is of claims.
  /^requests\.(?!storage$)(.*)$/.exec(name)?.[1]

const limited = (name: string): string | undefined => /^limits\.(cpu|memory|ephemeral-storage)$/.exec(name)?.[1]

/** What of a quota is of pods, as quota/v1/evaluator/core of Kubernetes counts it; undefined: it is of something else. */
function amountOf(name: string, pod: Pod): Quantity | undefined {
  const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  if (name === 'count/pods') return one
  if (name === 'pods') return hasEnded ? none : one
  const [request, limit] = [requested(name), limited(name)]
  if (request !== undefined) return hasEnded ? none : (podRequests(pod).get(request) ?? none)
  if (limit === undefined) return undefined
  return hasEnded ? none : (podLimits(pod).get(limit) ?? none)
}

/** A quota of cpu or memory has every container say it, unless the pod says it as a whole. */
function saysIt(name: string, { spec }: Pod): boolean {
  const [, prefix = 'requests', amount] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? []
  const { requests, limits } = (spec.resources ?? {}) as Resources
  if (amount === undefined || Object.keys({ ...requests, ...limits }).some(isPodLevel)) return true
  const all = [...spec.containers, ...(spec.initContainers ?? [])]
  return all.every(({ resources }) => (resources as Resources)?.[prefix as keyof Resources]?.[amount] !== undefined)
}

/**
 * How many of the pods may be made, one after the other. Pure.
 * @param present all other pods of the namespace
 * @param quotas those with scopes that are not known here are left out
 */
export function allowance(
  created: readonly Pod[],
  present: readonly Pod[],
  quotas: readonly ResourceQuota[],
): Allowance {
  const rows = quotas
    .filter(({ spec = {} }) => areScopesKnown(spec))
    .flatMap(({ metadata, spec = {} }) => {
      const isOf = (pod: Pod) => isInScopes(pod, spec)
      const counted = present.filter(isOf)
      return Object.entries(spec.hard ?? {}).map(([name, hard]) => {
        const used = counted.reduce((sum, pod) => sum.add(amountOf(name, pod) ?? none), none)
        return { quota: metadata.name, resource: name, left: parseQuantity(hard).sub(used), isOf }
      })
    })
  for (const [i, pod] of created.entries()) {
    for (const row of rows.filter(({ isOf }) => isOf(pod))) {
      const amount = amountOf(row.resource, pod)
      if (amount === undefined) continue
      row.left = row.left.sub(amount)
      if (!saysIt(row.resource, pod) || (row.left.sign < 0 && amount.sign > 0)) {
        return { pods: i, by: { quota: row.quota, resource: row.resource } }
      }
    }
  }
  return { pods: created.length, by: undefined }
}
