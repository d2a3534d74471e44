import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { detoursOf } from '../../model/detours.ts'
import type { Route } from '../kernel/state.ts'
import { canonicalAddress, canonicalNetwork } from '../net/cidr.ts'

/** Whom to ask, and how urgently. */
export interface Targets {
  /** Next hops that others can stand in for. */
  readonly urgent: readonly string[]
  /** The only ways to somewhere. */
  readonly others: readonly string[]
}

export function targetsOf(spec: NodeConfigSpec): Targets {
  const { routes = [], inwardRoutes = [], detours = [] } = spec
  const standIns = routes.flatMap((route) => detoursOf(route, spec))
  const all = new Set(detours.map(({ gw }) => canonicalAddress(gw)))
  const replaceable = new Set<string>()
  for (const hops of gatewaysByNetwork([...routes, ...standIns, ...inwardRoutes]).values()) {
    for (const gateway of hops) {
      all.add(gateway)
      if (hops.size > 1) replaceable.add(gateway)
    }
  }
  return { urgent: [...replaceable].sort(), others: [...all.difference(replaceable)].sort() }
}

/**
 * Next hops that an agent before us had taken out of routes of the kernel: they stay out until they answer, so that a new
 * agent does not send packets where nobody is.
 */
export function suspectsOf({ routes = [] }: NodeConfigSpec, kernel: ReadonlyMap<string, Route>): string[] {
  const lowest = new Map<string, number>()
  for (const { cidr, metric = 0 } of routes) {
    const network = canonicalNetwork(cidr)
    lowest.set(network, Math.min(metric, lowest.get(network) ?? metric))
  }
  const suspects = routes.filter(({ cidr, gw, metric = 0 }) => {
    const network = canonicalNetwork(cidr)
    const there = kernel.get(network)
    if (gw === undefined || !there || metric !== lowest.get(network)) return false
    return there.hops.every(({ gateway }) => gateway !== canonicalAddress(gw))
  })
  return [...new Set(suspects.map(({ gw = '' }) => canonicalAddress(gw)))]
}

function gatewaysByNetwork(routes: readonly LinkRoute[]): Map<string, Set<string>> {
  const networks = new Map<string, Set<string>>()
  for (const { cidr, gw } of routes) {
    if (gw === undefined) continue
    const network = canonicalNetwork(cidr)
    networks.set(network, (networks.get(network) ?? new Set()).add(canonicalAddress(gw)))
  }
  return networks
}
