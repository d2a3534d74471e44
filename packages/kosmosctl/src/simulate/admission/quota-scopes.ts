import { labelSelector, type Pod, parseResources, SelectorError } from '@kosmos/kube'

/** For which pods a quota is, beside its namespace. */
export interface Scoped {
  readonly scopes?: readonly string[]
  readonly scopeSelector?: { readonly matchExpressions?: readonly Requirement[] }
}

interface Requirement {
  readonly scopeName: string
  readonly operator: string
  readonly values?: readonly string[]
}

/** What pods have that these scopes ask for, beside what {@link Pod} says. */
interface Spec {
  readonly activeDeadlineSeconds?: number
  readonly priorityClassName?: string
  readonly resources?: Amounts
}

interface Amounts {
  readonly limits?: Readonly<Record<string, string>>
  readonly requests?: Readonly<Record<string, string>>
}

const isTerminating = ({ spec }: Pod): boolean => (spec as Spec).activeDeadlineSeconds !== undefined

/** Whether nothing of it asks for cpu or memory (GetPodQOS of pkg/apis/core/v1/helper/qos). */
function isBestEffort({ spec }: Pod): boolean {
  const { containers, initContainers = [] } = spec
  const ofPod = (spec as Spec).resources
  const all: readonly (Amounts | undefined)[] = ofPod
    ? [ofPod]
    : [...containers, ...initContainers].map(({ resources }) => resources)
  return all.every((one) =>
    [one?.requests, one?.limits].every((amounts) => {
      const list = parseResources(amounts)
      return ['cpu', 'memory'].every((name) => (list.get(name)?.sign ?? 0) <= 0)
    }),
  )
}

function hasPriorityClass({ spec }: Pod, { operator, values = [] }: Requirement): boolean {
  const { priorityClassName: name } = spec as Spec
  const expression = { key: 'name', operator: operator as 'In', values: [...values] }
  return labelSelector({ matchExpressions: [expression] }).matches(name ? { name } : {})
}

/** Whether it wants to be with, or away from, pods of other namespaces, however much (usesCrossNamespacePodAffinity). */
function looksAcrossNamespaces({ spec: { affinity } }: Pod): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
  return terms.some(({ namespaces, namespaceSelector }) => namespaceSelector || (namespaces ?? []).length > 0)
}

const tests: Readonly<Record<string, (pod: Pod, requirement: Requirement) => boolean>> = {
  Terminating: isTerminating,
  NotTerminating: (pod) => !isTerminating(pod),
  BestEffort: isBestEffort,
  NotBestEffort: (pod) => !isBestEffort(pod),
  PriorityClass: hasPriorityClass,
  CrossNamespacePodAffinity: looksAcrossNamespaces,
  // Of claims.
  VolumeAttributesClass: () => false,
}

function requirementsOf({ scopes = [], scopeSelector }: Scoped): Requirement[] {
  const named = scopes.map((scopeName) => ({ scopeName, operator: 'Exists' }))
  return [...named, ...(scopeSelector?.matchExpressions ?? [])]
}

/** Whether all scopes of a quota can be told of a pod here. Pure. */
export const areScopesKnown = (scoped: Scoped): boolean =>
  requirementsOf(scoped).every(({ scopeName }) => tests[scopeName] !== undefined)

/** Whether a pod is in all scopes of a quota, as podMatchesScopeFunc of pkg/quota/v1/evaluator/core has it. Pure. */
export function isInScopes(pod: Pod, scoped: Scoped): boolean {
  try {
    return requirementsOf(scoped).every((one) => tests[one.scopeName]?.(pod, one) ?? false)
  } catch (error) {
    // The API server takes no such selector.
    if (error instanceof SelectorError) return false
    throw error
  }
}
