import type { ClusterLinkPolicySpec } from '@kosmos/api'
import { type Labels, labelSelector } from '@kosmos/kube'
import type { Strangers } from '../model/network.ts'

/** A ClusterLinkPolicy as the plan reads it. */
export interface LinkPolicy {
  readonly name: string
  readonly spec: ClusterLinkPolicySpec
}

/** A linked cluster as policies see it. */
export interface Subject {
  readonly name: string
  readonly labels?: Labels | undefined
}

type ClusterSelector = ClusterLinkPolicySpec['clusters']

/** Whom a selector means: by names, by labels, or, with neither, everybody. */
function matcherOf({ names, labelSelector: labels }: ClusterSelector): (cluster: Subject) => boolean {
  if (names !== undefined) return ({ name }) => names.includes(name)
  if (labels === undefined) return () => true
  const selector = labelSelector(labels)
  return (cluster) => selector.matches(cluster.labels)
}

/** Whom the policy is for, and with whom it lets those talk; by name. */
export function chosenBy({ spec }: LinkPolicy, clusters: readonly Subject[]): { clusters: string[]; peers: string[] } {
  const isPeer = spec.peers.map(matcherOf)
  const named = (some: readonly Subject[]) => some.map(({ name }) => name).sort()
  return {
    clusters: named(clusters.filter(matcherOf(spec.clusters))),
    peers: named(clusters.filter((cluster) => isPeer.some((matches) => matches(cluster)))),
  }
}

/** Names that the policy speaks of, and that no cluster has. */
export function unknownNames({ spec }: LinkPolicy, clusters: readonly Subject[]): string[] {
  const known = new Set(clusters.map(({ name }) => name))
  const named = [spec.clusters, ...spec.peers].flatMap(({ names = [] }) => names)
  return [...new Set(named)].filter((name) => !known.has(name)).sort()
}

/**
 * Of each cluster those that it may not talk with. A cluster that policies are for may talk with the peers of any of
 * them, and a pair talks if both may: so neither of two clusters opens the other one by a policy of its own.
 */
export function strangersOf(
  clusters: readonly Subject[],
  policies: readonly LinkPolicy[],
): ReadonlyMap<string, Strangers> {
  const rules = policies.map((policy) => {
    const chosen = chosenBy(policy, clusters)
    return { name: policy.name, clusters: new Set(chosen.clusters), peers: new Set(chosen.peers) }
  })
  const rulesFor = new Map(clusters.map(({ name }) => [name, rules.filter((rule) => rule.clusters.has(name))]))
  const closing = (from: string, to: string): string[] => {
    const own = rulesFor.get(from) ?? []
    return own.some(({ peers }) => peers.has(to)) ? [] : own.map(({ name }) => name)
  }
  return new Map(
    clusters.map(({ name }) => [
      name,
      new Map(
        clusters.flatMap(({ name: other }): [string, string[]][] => {
          const inTheWay = other === name ? [] : [...new Set([...closing(name, other), ...closing(other, name)])]
          return inTheWay.length > 0 ? [[other, inTheWay.sort()]] : []
        }),
      ),
    ]),
  )
}
