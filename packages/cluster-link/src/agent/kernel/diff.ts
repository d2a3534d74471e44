import { isDeepStrictEqual } from 'node:util'
import { devices } from '../../model/names.ts'
import { familyOf } from '../net/cidr.ts'
import { afterStep } from './effect.ts'
import { type KernelState, type Link, onLinkFirst, type Route, routeKey } from './state.ts'
import type { AddressRemoval, LinkChange, Step } from './step.ts'

/**
 * The steps from what the kernel has to what it should have. Their order keeps packets flowing and never lets one pass
 * that should not: guards come first and go last, addresses come before the routes that name them and go after them.
 */
export function diff(has: KernelState, wants: KernelState): Step[] {
  const isLeaving = wants.nft === ''
  const guards: Step[] = [...ruleSteps(has, wants), ...routeSteps(has, wants, isUnreachable), ...nftSteps(has, wants)]
  const first = isLeaving ? [] : guards
  const removals = linkRemovals(has, wants)
  const kept = [...first, ...removals].reduce(afterStep, has)
  const lastAddresses = lastAddressRemovals(kept, wants)
  const changes = [...linkChanges(kept, wants), ...halfDeadRoutes(kept, lastAddresses), ...lastAddresses]
  // What goes with a device, its MAC or its last address needs no step of its own, or has to be made again.
  const left = changes.reduce(afterStep, kept)
  return [
    ...first,
    ...removals,
    ...changes,
    ...addressAdditions(left, wants),
    ...wireGuardSteps(left, wants),
    ...ipsecSteps(left, wants),
    ...entrySteps(left.fdbs, wants.fdbs, (verb, fdb) => ({ do: `fdb.${verb}`, fdb })),
    ...entrySteps(left.neighbours, wants.neighbours, (verb, neighbour) => ({ do: `neighbour.${verb}`, neighbour })),
    ...routeSteps(left, wants, isReachable),
    ...(isLeaving ? routeSteps(left, wants, isUnreachable) : []),
    ...addressRemovals(left, wants),
    ...forwardSteps(left, wants),
    ...(isLeaving ? [...ruleSteps(left, wants), ...nftSteps(left, wants)] : []),
  ]
}

/** The steps that make routes as they should be and touch nothing else. */
export function diffRoutes(has: KernelState['routes'], wants: KernelState['routes']): Step[] {
  return routeSteps({ routes: has }, { routes: wants }, () => true)
}

const isReachable = ({ hops }: Route): boolean => hops.length > 0
const isUnreachable = (route: Route): boolean => !isReachable(route)

function ruleSteps(has: KernelState, wants: KernelState): Step[] {
  return [
    ...[...wants.rules.difference(has.rules)].map((key): Step => ({ do: 'rule.add', key })),
    ...[...has.rules.difference(wants.rules)].map((key): Step => ({ do: 'rule.delete', key })),
  ]
}

function nftSteps(has: KernelState, wants: KernelState): Step[] {
  return has.nft === wants.nft ? [] : [{ do: 'nft.replace', table: wants.nft }]
}

function linkRemovals(has: KernelState, wants: KernelState): Step[] {
  return [...has.links.values()].flatMap((link): Step[] => {
    const wanted = wants.links.get(link.name)
    return wanted && isSameDevice(link, wanted) ? [] : [{ do: 'link.delete', name: link.name }]
  })
}

/** Whether a device can become another without being made anew. */
function isSameDevice(has: Link, wants: Link): boolean {
  return has.kind === wants.kind && isDeepStrictEqual(has.vxlan, wants.vxlan)
}

function linkChanges(has: KernelState, wants: KernelState): Step[] {
  return [...wants.links.values()].flatMap((wanted): Step[] => {
    const link = has.links.get(wanted.name)
    const { name } = wanted
    if (!link)
      return [{ do: 'link.add', link: wanted }, ...(wanted.isLoose ? [{ do: 'link.loosen', name } as const] : [])]
    const change: LinkChange = {
      ...(link.mtu !== wanted.mtu && { mtu: wanted.mtu }),
      ...(wanted.mac !== undefined && link.mac !== wanted.mac && { mac: wanted.mac }),
      ...(link.isUp !== wanted.isUp && { isUp: wanted.isUp }),
      ...(!link.isMarked && wanted.isMarked && { isMarked: true as const }),
    }
    return [
      ...(Object.keys(change).length > 0 ? [{ do: 'link.set', name, change } as const] : []),
      ...(wanted.isLoose && !link.isLoose ? [{ do: 'link.loosen', name } as const] : []),
    ]
  })
}

function addressAdditions(has: KernelState, wants: KernelState): Step[] {
  return [...wants.links.values()].flatMap(({ name, addresses }) => {
    const there = has.links.get(name)?.addresses ?? []
    return addresses
      .filter((address) => !there.includes(address))
      .map((address): Step => ({ do: 'address.add', dev: name, address }))
  })
}

/** Addresses of IPv4 on devices that will have none; with the last one goes everything of IPv4 on the device. */
function lastAddressRemovals(has: KernelState, wants: KernelState): AddressRemoval[] {
  return addressRemovals(has, wants).filter(({ dev, address }) => {
    if (familyOf(address) === 6) return false
    return !(wants.links.get(dev)?.addresses ?? []).some((other) => familyOf(other) === 4)
  })
}

/**
 * Routes of IPv4 that have next hops elsewhere too: they would stay with a dead hop, which a replacement that says the
 * same does not bring back to life (fib_find_info and nh_comp of the kernel's net/ipv4/fib_semantics.c).
 */
function halfDeadRoutes(has: KernelState, removals: readonly AddressRemoval[]): Step[] {
  const bare = new Set(removals.map(({ dev }) => dev))
  return [...has.routes.values()]
    .filter(({ cidr, hops }) => familyOf(cidr) === 4 && hops.length > 1 && hops.some(({ dev }) => bare.has(dev)))
    .map((route): Step => ({ do: 'route.delete', route }))
}

function addressRemovals(has: KernelState, wants: KernelState): AddressRemoval[] {
  return [...has.links.values()].flatMap(({ name, addresses }) => {
    const wanted = wants.links.get(name)?.addresses ?? []
    return addresses
      .filter((address) => !wanted.includes(address))
      .map((address): AddressRemoval => ({ do: 'address.delete', dev: name, address }))
  })
}

function wireGuardSteps(has: KernelState, wants: KernelState): Step[] {
  return [...wants.wireGuards.values()]
    .filter((wireGuard) => !isDeepStrictEqual(has.wireGuards.get(wireGuard.dev), wireGuard))
    .map((wireGuard): Step => ({ do: 'wireguard.set', wireGuard }))
}

/** Names tell everything of connections. They go with the device. */
function ipsecSteps(has: KernelState, wants: KernelState): Step[] {
  const kind = wants.links.get(devices.ipsec.name)?.kind
  if (kind !== 'xfrm' && kind !== 'libipsec') return []
  const names = new Set(wants.ipsecs.keys())
  if (names.symmetricDifference(new Set(has.ipsecs.keys())).size === 0) return []
  return [{ do: 'ipsec.set', ipsecs: wants.ipsecs, implementation: kind }]
}

type Routes = Pick<KernelState, 'routes'>

function routeSteps(has: Routes, wants: Routes, concerns: (route: Route) => boolean): Step[] {
  // Next hops must be on the link before others go through them.
  const wanted = [...wants.routes.values()].filter(concerns).sort(onLinkFirst)
  return [
    ...wanted
      .filter((route) => !isDeepStrictEqual(has.routes.get(routeKey(route)), route))
      .map((route): Step => ({ do: 'route.replace', route })),
    ...[...has.routes.values()]
      .filter((route) => concerns(route) && !wants.routes.has(routeKey(route)))
      .map((route): Step => ({ do: 'route.delete', route })),
  ]
}

function entrySteps<T>(
  has: ReadonlyMap<string, T>,
  wants: ReadonlyMap<string, T>,
  step: (verb: 'replace' | 'delete', entry: T) => Step,
): Step[] {
  return [
    ...[...wants]
      .filter(([key, entry]) => !isDeepStrictEqual(has.get(key), entry))
      .map(([, entry]) => step('replace', entry)),
    ...[...has].filter(([key]) => !wants.has(key)).map(([, entry]) => step('delete', entry)),
  ]
}

/** What stands too late goes first: rules of iptables are known by what they say, and the first such one goes. */
function forwardSteps(has: KernelState, wants: KernelState): Step[] {
  return [
    ...lackedBy(wants.forwards, has.forwards).map((forward): Step => ({ do: 'forward.forget', forward })),
    ...lackedBy(has.forwards, wants.forwards).map((forward): Step => ({ do: 'forward.accept', forward })),
  ]
}

function lackedBy<T>(some: ReadonlyMap<string, T>, others: ReadonlyMap<string, T>): T[] {
  return [...others].filter(([key]) => !some.has(key)).map(([, item]) => item)
}
