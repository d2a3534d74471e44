import { devices } from '../../model/names.ts'
import { familyOf } from '../net/cidr.ts'
import { forwardKey } from './forward.ts'
import { fdbKey, type KernelState, type Link, neighbourKey, type Route, routeKey } from './state.ts'
import type { LinkChange, Step } from './step.ts'

/** What the kernel has after a step, its own side effects included. */
export function afterStep(state: KernelState, step: Step): KernelState {
  switch (step.do) {
    case 'link.add':
      return withLink(state, { ...step.link, addresses: [], isLoose: false })
    case 'link.delete':
      return withoutLink(state, step.name)
    case 'link.set':
      return withChange(state, step.name, step.change)
    case 'link.loosen':
      return changeLink(state, step.name, (link) => ({ ...link, isLoose: true }))
    case 'address.add':
      return changeLink(state, step.dev, (link) => ({ ...link, addresses: [...link.addresses, step.address].sort() }))
    case 'address.delete':
      return withoutAddress(state, step.dev, step.address)
    case 'rule.add':
      return { ...state, rules: new Set(state.rules).add(step.key) }
    case 'rule.delete':
      return { ...state, rules: state.rules.difference(new Set([step.key])) }
    case 'route.replace':
      return { ...state, routes: new Map(state.routes).set(routeKey(step.route), step.route) }
    case 'route.delete':
      return { ...state, routes: without(state.routes, routeKey(step.route)) }
    case 'fdb.replace':
      return { ...state, fdbs: new Map(state.fdbs).set(fdbKey(step.fdb), step.fdb) }
    case 'fdb.delete':
      return { ...state, fdbs: without(state.fdbs, fdbKey(step.fdb)) }
    case 'neighbour.replace':
      return { ...state, neighbours: new Map(state.neighbours).set(neighbourKey(step.neighbour), step.neighbour) }
    case 'neighbour.delete':
      return { ...state, neighbours: without(state.neighbours, neighbourKey(step.neighbour)) }
    case 'wireguard.set':
      return { ...state, wireGuards: new Map(state.wireGuards).set(step.wireGuard.dev, step.wireGuard) }
    case 'ipsec.set':
      return { ...state, ipsecs: step.ipsecs }
    case 'nft.replace':
      return { ...state, nft: step.table }
    case 'forward.accept':
      return { ...state, forwards: new Map(state.forwards).set(forwardKey(step.forward), step.forward) }
    case 'forward.forget':
      return { ...state, forwards: without(state.forwards, forwardKey(step.forward)) }
  }
}

function withLink(state: KernelState, link: Link): KernelState {
  return { ...state, links: new Map(state.links).set(link.name, link) }
}

function changeLink(state: KernelState, name: string, change: (link: Link) => Link): KernelState {
  const link = state.links.get(name)
  return link ? withLink(state, change(link)) : state
}

/** With its MAC a device loses its neighbours, permanent ones as well. */
function withChange(state: KernelState, name: string, change: LinkChange): KernelState {
  const changed = changeLink(state, name, (link) => ({ ...link, ...change }))
  if (change.mac === undefined) return changed
  return { ...changed, neighbours: filtered(changed.neighbours, ({ dev }) => dev !== name) }
}

/** With a device goes everything that hangs on it; sources of IPv6 stay, though nobody has them. */
function withoutLink(state: KernelState, name: string): KernelState {
  const addresses = (state.links.get(name)?.addresses ?? []).filter(isIpv4)
  const bare = addresses.reduce((left, address) => withoutAddress(left, name, address), state)
  return {
    ...bare,
    links: without(bare.links, name),
    routes: changed(bare.routes, (route) => withoutHopsBy(route, name)),
    fdbs: filtered(bare.fdbs, ({ dev }) => dev !== name),
    neighbours: filtered(bare.neighbours, ({ dev }) => dev !== name),
    wireGuards: without(bare.wireGuards, name),
    ipsecs: name === devices.ipsec.name ? new Map() : bare.ipsecs,
  }
}

/** A route of IPv4 goes with any of its next hops, one of IPv6 with the last one. */
function withoutHopsBy(route: Route, dev: string): Route | undefined {
  const hops = route.hops.filter((hop) => hop.dev !== dev)
  if (hops.length === route.hops.length) return route
  return isIpv4(route.cidr) || hops.length === 0 ? undefined : { ...route, hops }
}

/**
 * With an address that no other device has go the routes of IPv4 that prefer it as their source, those of IPv6 lose the
 * source; with the last one of IPv4 on a device goes everything of IPv4 there, but for routes that have next hops elsewhere.
 */
function withoutAddress(state: KernelState, dev: string, address: string): KernelState {
  const left = changeLink(state, dev, (link) => ({
    ...link,
    addresses: link.addresses.filter((other) => other !== address),
  }))
  const source = address.slice(0, address.lastIndexOf('/'))
  const isElsewhere = [...left.links.values()].some(({ addresses }) => addresses.includes(address))
  const routes = isElsewhere ? left.routes : changed(left.routes, (route) => withoutSource(route, source))
  const has4 = (left.links.get(dev)?.addresses ?? []).some(isIpv4)
  if (!isIpv4(address) || has4) return { ...left, routes }
  return {
    ...left,
    routes: filtered(
      routes,
      ({ cidr, hops }) => !isIpv4(cidr) || hops.length === 0 || hops.some((hop) => hop.dev !== dev),
    ),
    neighbours: filtered(left.neighbours, ({ ip, dev: on }) => !isIpv4(ip) || on !== dev),
  }
}

function withoutSource(route: Route, source: string): Route | undefined {
  if (route.source !== source) return route
  const { source: _, ...others } = route
  return isIpv4(source) ? undefined : others
}

const isIpv4 = (address: string): boolean => familyOf(address) === 4

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  return filtered(map, (_, other) => other !== key)
}

function changed(routes: KernelState['routes'], change: (route: Route) => Route | undefined): KernelState['routes'] {
  return new Map(
    [...routes].flatMap(([key, route]): [string, Route][] => {
      const left = change(route)
      return left ? [[key, left]] : []
    }),
  )
}

function filtered<T>(map: ReadonlyMap<string, T>, keep: (value: T, key: string) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([key, value]) => keep(value, key)))
}
