import { type Node, NodeAffinity, type Pod, untoleratedTaint } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'

/** Which rule is against a node, in the order in which they are asked. */
export type Rule =
  | 'notReady'
  | 'cordoned'
  | 'selector'
  | 'distribution'
  | 'volume'
  | 'taint'
  | 'noAllocation'
  | 'allocationFull'
  | 'refused'
  | 'reserved'
  | 'noRoom'

/** Why a pod would not go to a node now. */
export interface Objection {
  readonly node: string
  readonly rule: Rule
  /** What of the node it is about: the taint, the value of the topology key, the pod that comes first. */
  readonly detail?: string
}

/**
 * What a node says against a pod by itself, as kube-scheduler sees it; undefined: nothing. Pure.
 * @param wanted the pod with what its DistributionPolicy adds
 * @param bound the same, with what its volumes say
 */
export function objectionOfNode(
  node: Node,
  pod: Pod,
  { wanted, bound }: { readonly wanted: Pod; readonly bound: Pod },
): Objection | undefined {
  const { name } = node.metadata
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return { node: name, rule: 'notReady' }
  if (node.spec?.unschedulable) return { node: name, rule: 'cordoned' }
  if (!new NodeAffinity(pod.spec).allows(node)) return { node: name, rule: 'selector' }
  if (!new NodeAffinity(wanted.spec).allows(node)) return { node: name, rule: 'distribution' }
  if (!new NodeAffinity(bound.spec).allows(node)) return { node: name, rule: 'volume' }
  const taint = untoleratedTaint(node.spec?.taints ?? [], bound.spec.tolerations ?? [])
  if (taint === undefined) return undefined
  const { key, value, effect } = taint
  return { node: name, rule: 'taint', detail: `${key}${value ? `=${value}` : ''}:${effect}` }
}

/** What a policy says against a node, whose places are taken as told; undefined: nothing. Pure. */
export function objectionOfPolicy(
  node: Node,
  { topologyKey, shares, isRequired, bounded }: CompiledPolicy,
  taken: readonly number[],
): Objection | undefined {
  const { name, labels = {} } = node.metadata
  const value = labels[topologyKey]
  // Beyond the allocations of a policy that prefers, a pod goes anywhere but where one has a max.
  if (!isRequired && !bounded.some((one) => one === value)) return undefined
  const share = shares.findIndex((one) => one.name === value)
  const detail = value === undefined ? `no label ${topologyKey}` : `${topologyKey}=${value}`
  if (share < 0) return { node: name, rule: 'noAllocation', detail }
  const isFull = (taken[share] ?? 0) >= (shares[share]?.max ?? 0)
  return isFull ? { node: name, rule: 'allocationFull', detail } : undefined
}
