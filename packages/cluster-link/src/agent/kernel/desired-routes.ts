import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { type Detour, detoursOf } from '../../model/detours.ts'
import { secureCIDR } from '../../model/names.ts'
import { canonicalAddress, canonicalNetwork, contains, familyOf, widthOf } from '../net/cidr.ts'
import { byHop, type Hop, hopKey, keyedBy, type Link, type Route, routeKey } from './state.ts'

interface Surroundings {
  readonly hasIpv6: boolean
  readonly unreachable: ReadonlySet<string>
  readonly links: readonly Link[]
}

/** The routes in our tables, next hops that do not answer left out where others do. */
export function desiredRoutes(spec: NodeConfigSpec, { hasIpv6, unreachable, links }: Surroundings): Map<string, Route> {
  const source = sourceOf(links)
  const grouped = (routes: readonly LinkRoute[]) => {
    const entries = routes.filter(({ cidr }) => hasIpv6 || familyOf(cidr) === 4)
    return [...Map.groupBy(entries, ({ cidr }) => canonicalNetwork(cidr))]
  }
  const planned = (routes: readonly LinkRoute[] = []): Route[] =>
    grouped(routes).map(([cidr, hops]) =>
      routeOf(cidr, effectiveHops(hops, unreachable, hops[0] && detoursOf(hops[0], spec)), source),
    )
  const detouring = (routes: readonly LinkRoute[] = []): Route[] =>
    grouped(routes).flatMap(([cidr, hops]) => {
      const others = handingOnHops(hops, unreachable, hops[0] && detoursOf(hops[0], spec))
      return others.length > 0 ? [{ ...routeOf(cidr, others, source), isHandedOn: true }] : []
    })
  const onLink = (spec.arps ?? []).filter(({ ip }) => hasIpv6 || familyOf(ip) === 4).map(neighbourRoute)
  return keyedBy(
    [
      ...secureGuard(links),
      ...onLink.map(({ cidr, dev }) => routeOf(cidr, [{ dev }], source)),
      // Before the others turn to a detour.
      ...detouring(spec.routes),
      ...planned(spec.routes),
      ...planned(spec.inwardRoutes).map((route): Route => ({ ...route, isInward: true })),
    ],
    routeKey,
  )
}

/**
 * Of the next hops that answer, those of the lowest metric; when none answers, the other gateways that do; when nobody
 * does, of all: probes may be lost where packets are not, and a route to nowhere is worse than one that may work.
 */
export function effectiveHops(
  routes: readonly LinkRoute[],
  unreachable: ReadonlySet<string>,
  detours: readonly LinkRoute[] = [],
): Hop[] {
  const answering = [routes, detours].map((some) => some.filter(answersIn(unreachable)))
  return lowestOf(answering.find(({ length }) => length > 0) ?? routes)
}

/**
 * By whom goes on what another gateway has handed on, where everything else takes a detour: by the first gateway after
 * this one that answers; after the last one straight on, since nobody is left who might know better. None: it takes the
 * route that everything takes.
 */
function handingOnHops(
  routes: readonly LinkRoute[],
  unreachable: ReadonlySet<string>,
  detours: readonly Detour[] = [],
): Hop[] {
  const answers = answersIn(unreachable)
  const others = detours.filter(answers)
  if (routes.some(answers) || others.length === 0) return []
  const later = others.filter(({ takesHandedOn }) => takesHandedOn)
  return lowestOf(later.length > 0 ? later : routes)
}

const answersIn =
  (unreachable: ReadonlySet<string>) =>
  ({ gw }: LinkRoute): boolean =>
    gw === undefined || !unreachable.has(canonicalAddress(gw))

function lowestOf(candidates: readonly LinkRoute[]): Hop[] {
  const lowest = Math.min(...candidates.map(({ metric = 0 }) => metric))
  const hops = candidates
    .filter(({ metric = 0 }) => metric === lowest)
    .map(({ gw, dev }): Hop => ({ dev, ...(gw && { gateway: canonicalAddress(gw) }) }))
  return [...keyedBy(hops, hopKey).values()].sort(byHop)
}

/** Addresses of tunnels' ends that are not in the tunnel are nowhere: nothing goes out in clear text by a default route. */
function secureGuard(links: readonly Link[]): Route[] {
  const isSecure = links.some(({ vxlan }) => vxlan?.local !== undefined && contains(secureCIDR, vxlan.local))
  return isSecure ? [{ cidr: secureCIDR, hops: [] }] : []
}

function neighbourRoute({ ip, dev }: { readonly ip: string; readonly dev: string }) {
  return { cidr: `${canonicalAddress(ip)}/${widthOf(familyOf(ip))}`, dev }
}

function routeOf(
  cidr: string,
  hops: readonly Hop[],
  sourceOfHop: (dev: string, cidr: string) => string | undefined,
): Route {
  const source = hops[0] && sourceOfHop(hops[0].dev, cidr)
  return { cidr, hops, ...(source && { source }) }
}

function sourceOf(links: readonly Link[]) {
  return (dev: string, cidr: string): string | undefined => {
    const link = links.find(({ name }) => name === dev)
    return link?.addresses.find((address) => familyOf(address) === familyOf(cidr))?.split('/')[0]
  }
}
