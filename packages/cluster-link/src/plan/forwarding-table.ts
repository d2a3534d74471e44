import type { LinkDetour, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { type Cidr, contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import { type Detour, detoursOf, isLocal } from '../model/detours.ts'
import { PrefixTable } from './prefix-table.ts'

/** A NodeConfig, made for looking things up in it. */
export class ForwardingTable {
  readonly #spec: NodeConfigSpec
  readonly #routes = new PrefixTable<LinkRoute>()
  readonly #inwardRoutes = new PrefixTable<LinkRoute>()
  readonly #macs: ReadonlyMap<string, string>
  readonly #ends: ReadonlyMap<string, string>
  readonly #translations: readonly { readonly local: Cidr; readonly global: Cidr }[]

  constructor(spec: NodeConfigSpec) {
    const { routes = [], inwardRoutes = [], arps = [], fdbs = [], translations = [] } = spec
    this.#spec = spec
    for (const route of routes) this.#routes.add(parseCidr(route.cidr), route)
    for (const route of inwardRoutes) this.#inwardRoutes.add(parseCidr(route.cidr), route)
    this.#macs = new Map(arps.map(({ ip, dev, mac }) => [`${dev} ${ip}`, mac]))
    this.#ends = new Map(fdbs.map(({ ip, dev, mac }) => [`${dev} ${mac}`, ip]))
    this.#translations = translations.map(({ local, global }) => ({
      local: parseCidr(local),
      global: parseCidr(global),
    }))
  }

  /** Those with the longest prefix, by their metric. */
  routesTo(address: string): LinkRoute[] {
    const [longest = []] = this.#routes.matches(parseCidr(address))
    return [...longest].sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
  }

  /** The gateway of the same cluster that a route leads by when no next hop of another one answers. */
  detourBy({ gw, dev }: LinkRoute): LinkDetour | undefined {
    return this.#spec.detours?.find((detour) => detour.gw === gw && detour.dev === dev)
  }

  /** By which gateways of the same cluster packets go on when no next hop of the route answers. */
  detoursOf(route: LinkRoute | undefined): Detour[] {
    return route ? detoursOf(route, this.#spec) : []
  }

  /** By which node a packet that came from another cluster goes on. */
  inwardRouteTo(address: string): LinkRoute | undefined {
    const [[route] = []] = this.#inwardRoutes.matches(parseCidr(address))
    return route
  }

  /** Whether packets from the address may come out of the device: from outside only by the one that leads there. */
  hasRouteBack(source: string, dev: string): boolean {
    for (const routes of this.#routes.matches(parseCidr(source))) {
      if (isLocal(dev) || routes.some((route) => route.dev === dev)) return true
    }
    return false
  }

  /** Whether the node has the address on a device of ours; it takes no packet from anywhere that claims to be from there. */
  hasAddress(address: string): boolean {
    return (this.#spec.devices ?? []).some(({ addr, addr6 }) =>
      [addr, addr6].some((own) => own?.split('/')[0] === address),
    )
  }

  /** The next hop of a route, and the other end of the tunnel to it; empty if there is none. */
  across({ gw, cidr, dev }: LinkRoute): { readonly nextHop: string; readonly end: string } {
    const nextHop = gw ?? cidr.split('/')[0] ?? ''
    const mac = this.#macs.get(`${dev} ${nextHop}`)
    return { nextHop, end: this.#ends.get(`${dev} ${mac}`) ?? '' }
  }

  mtuOf(dev: string): number | undefined {
    return this.#deviceOf(dev)?.mtu
  }

  /** The source of a packet that leaves the node by a device; undefined before: the node itself sends it. */
  sourceOf(dev: string, source: string | undefined, target: string): string {
    const device = this.#deviceOf(dev)
    const own = (target.includes(':') ? device?.addr6 : device?.addr)?.split('/')[0] ?? ''
    if (source === undefined) return own
    const { masquerades = [], detours = [] } = this.#spec
    // What other nodes send is handed on as if the gateway sent it.
    if (isLocal(dev) && detours.length === 0) return source
    const isHidden = masquerades.some(
      (one) => (one.dev === dev || isLocal(dev)) && contains(parseCidr(one.source), parseCidr(source)),
    )
    if (isLocal(dev)) return isHidden ? own : source
    return isHidden ? own : this.translated(source, 'out')
  }

  /** The address that a pod or Service of this cluster has on the other side. */
  translated(address: string, direction: 'in' | 'out'): string {
    const one = parseCidr(address)
    for (const { local, global } of this.#translations) {
      const [before, after] = direction === 'out' ? [local, global] : [global, local]
      if (contains(before, one)) return formatAddress(one.family, translate(one, before, after).base)
    }
    return address
  }

  #deviceOf(dev: string) {
    return this.#spec.devices?.find(({ name }) => name === dev)
  }
}
