import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { detoursOf } from '../../model/detours.ts'
import { type Route, routeKey } from '../kernel/state.ts'
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
 * Next hops that an agent before us had passed over in routes of the kernel: they stay out until they answer, so that a
 * new agent does not send packets where nobody is.
 */
export function suspectsOf(spec: NodeConfigSpec, kernel: ReadonlyMap<string, Route>): string[] {
  const networks = Map.groupBy(spec.routes ?? [], ({ cidr }) => canonicalNetwork(cidr))
  const suspects = [...networks].flatMap(([cidr, hops]) => {
    const [first] = hops
    const detours = first ? detoursOf(first, spec) : []
    const later = detours.filter(({ takesHandedOn }) => takesHandedOn)
    return [
      ...passedOver([...byMetric(hops), ...byMetric(detours)], kernel.get(cidr)),
      ...passedOver([...byMetric(later), ...byMetric(hops)], kernel.get(routeKey({ cidr, isHandedOn: true }))),
    ]
  })
  return [...new Set(suspects)]
}

/** Gateways that come before those in use, or share with them. @param tiers of equals, the first one first */
function passedOver(tiers: readonly (readonly string[])[], route: Route | undefined): string[] {
  const inUse = new Set(route?.hops.flatMap(({ gateway }) => gateway ?? []))
  const last = tiers.findLastIndex((gateways) => gateways.some((gateway) => inUse.has(gateway)))
  return tiers.slice(0, last + 1).flatMap((gateways) => gateways.filter((gateway) => !inUse.has(gateway)))
}

function byMetric(routes: readonly LinkRoute[]): string[][] {
  const tiers = Map.groupBy(routes, ({ metric = 0 }) => metric)
  return [...tiers.keys()]
    .sort((a, b) => a - b)
    .map((metric) => (tiers.get(metric) ?? []).flatMap(({ gw }) => (gw === undefined ? [] : [canonicalAddress(gw)])))
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
