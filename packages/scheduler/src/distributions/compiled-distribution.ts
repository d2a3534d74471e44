import type { ClusterDistributionPolicy, DistributionPolicy, ResourceSelector } from '@kosmos/api'
import { keyOf, type LabelSelector, labelSelector, type ObjectKey, type Pod, SelectorError } from '@kosmos/kube'
import { type Constraints, constraintsOf } from './constraints.ts'

/** A DistributionPolicy or ClusterDistributionPolicy as the root returned it. */
export type StoredDistribution = (DistributionPolicy | ClusterDistributionPolicy) & {
  metadata: { uid: string; resourceVersion: string }
}

/** What a pod goes by. */
export interface Distribution {
  /** Of the policy. */
  readonly kind: StoredDistribution['kind']
  readonly policy: ObjectKey
  readonly term: string
  readonly constraints: Constraints
}

/** How a selector means pods: the nearer to one pod, the earlier. */
const ranks = { name: 0, namePrefix: 1, labelSelector: 2, all: 3 } as const

export interface CompiledSelector {
  readonly rank: (typeof ranks)[keyof typeof ranks]
  /** Name or prefix. */
  readonly text: string
  readonly labels: ResourceSelector['labelSelector']
  readonly matches: (pod: Pod) => boolean
  readonly distribution: Distribution
}

/** A policy, read once for all of its pods. */
export interface CompiledDistribution {
  readonly key: ObjectKey
  readonly createdAt: string
  /** In the order in which they are asked. */
  readonly selectors: readonly CompiledSelector[]
}

export function compileDistribution(stored: StoredDistribution): CompiledDistribution {
  const { kind, metadata, spec } = stored
  const key = keyOf(stored)
  const selectors = spec.resourceSelectors.flatMap((selector) => {
    const term = spec.policyTerms.find(({ name }) => name === selector.policyName)
    // The API server takes no selector without its term; one from before its rules means nothing.
    return term ? [compiled(selector, { kind, policy: key, term: term.name, constraints: constraintsOf(term) })] : []
  })
  // Reversed before a stable sort: among equals the last of the list comes first.
  return { key, createdAt: metadata.creationTimestamp ?? '', selectors: selectors.reverse().sort(compareSelectors) }
}

/** Which of two selectors means a pod more directly; 0: neither does. */
export function compareSelectors(a: CompiledSelector, b: CompiledSelector): number {
  return a.rank - b.rank || (a.rank === ranks.namePrefix ? b.text.length - a.text.length : 0)
}

/** The criterion that names a pod most directly counts, the others of a selector do not. */
function compiled(selector: ResourceSelector, distribution: Distribution): CompiledSelector {
  const { name, namePrefix, labelSelector: labels } = selector
  const common = { text: '', labels: undefined, distribution }
  if (name) return { ...common, rank: ranks.name, text: name, matches: ({ metadata }) => metadata.name === name }
  if (namePrefix) {
    const matches = ({ metadata }: Pod) => metadata.name.startsWith(namePrefix)
    return { ...common, rank: ranks.namePrefix, text: namePrefix, matches }
  }
  if (labels === undefined) return { ...common, rank: ranks.all, matches: () => true }
  const wanted = selectorOf(labels)
  const matches = ({ metadata }: Pod) => wanted?.matches(metadata.labels) ?? false
  return { ...common, rank: ranks.labelSelector, labels, matches }
}

/** Undefined: an API server would not have taken it, and it means nothing. */
export function selectorOf(spec: NonNullable<ResourceSelector['labelSelector']>): LabelSelector | undefined {
  try {
    return labelSelector(spec)
  } catch (error) {
    if (error instanceof SelectorError) return undefined
    throw error
  }
}

/** Of two policies the one that decides where both mean a pod equally. */
export function isBefore(a: CompiledDistribution, b: CompiledDistribution): boolean {
  return a.createdAt === b.createdAt ? a.key < b.key : a.createdAt < b.createdAt
}

/** What decides among policies of one scope; undefined: none of them selects the pod. */
export function distributionOf(pod: Pod, policies: Iterable<CompiledDistribution>): Distribution | undefined {
  let best: { readonly policy: CompiledDistribution; readonly selector: CompiledSelector } | undefined
  for (const policy of policies) {
    const selector = policy.selectors.find(({ matches }) => matches(pod))
    if (selector === undefined) continue
    const order = best ? compareSelectors(selector, best.selector) : -1
    if (best === undefined || order < 0 || (order === 0 && isBefore(policy, best.policy))) best = { policy, selector }
  }
  return best?.selector.distribution
}
