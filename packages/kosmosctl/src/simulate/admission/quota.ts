import { type KubeObject, type Pod, parseQuantity, podRequests, type Quantity, resource } from '@kosmos/kube'
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

/** What of a quota is counted here, as quota/v1/evaluator/core of Kubernetes counts it; undefined: that is not. */
function amountOf(name: string, pod: Pod): Quantity | undefined {
  const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  if (name === 'count/pods') return one
  if (name === 'pods') return hasEnded ? none : one
  const requested = name === 'cpu' || name === 'memory' ? name : /^requests\.(.*)$/.exec(name)?.[1]
  // Of claims, not of pods.
  if (requested === undefined || requested === 'storage') return undefined
  return hasEnded ? none : (podRequests(pod).get(requested) ?? none)
}

/** A quota of these has every container say what it requests. */
const demanded = (name: string): string | undefined => /^(?:requests\.)?(cpu|memory)$/.exec(name)?.[1]

function saysIt(name: string, { spec }: Pod): boolean {
  const ofPod = (spec.resources as { readonly requests?: Readonly<Record<string, string>> } | undefined)?.requests
  const all = [...spec.containers, ...(spec.initContainers ?? [])]
  return ofPod?.[name] !== undefined || all.every(({ resources }) => resources?.requests?.[name] !== undefined)
}

/** Whether a quota has to be looked at by hand: it has scopes that are not known here, or counts limits. Pure. */
export const isUncounted = ({ spec = {} }: ResourceQuota): boolean =>
  !areScopesKnown(spec) || Object.keys(spec.hard ?? {}).some((name) => name.startsWith('limits.'))

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
      const [amount, asked] = [amountOf(row.resource, pod), demanded(row.resource)]
      if (amount === undefined) continue
      const isUnsaid = asked !== undefined && !saysIt(asked, pod)
      row.left = row.left.sub(amount)
      if (isUnsaid || (row.left.sign < 0 && amount.sign > 0)) {
        return { pods: i, by: { quota: row.quota, resource: row.resource } }
      }
    }
  }
  return { pods: created.length, by: undefined }
}
