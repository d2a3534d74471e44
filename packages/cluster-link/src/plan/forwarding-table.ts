import type { LinkDetour, LinkRoute, LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { type Cidr, contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import { type Detour, detoursOf, isLocal } from '../model/detours.ts'
import { PrefixTable } from './prefix-table.ts'

interface Mapping {
  readonly local: Cidr
  readonly global: Cidr
}

const mappingsOf = (translations: readonly LinkTranslation[] = []): Mapping[] =>
  translations.map(({ local, global }) => ({ local: parseCidr(local), global: parseCidr(global) }))

/** A NodeConfig, made for looking things up in it. */
export class ForwardingTable {
  readonly #spec: NodeConfigSpec
  readonly #routes = new PrefixTable<LinkRoute>()
  readonly #inwardRoutes = new PrefixTable<LinkRoute>()
  readonly #macs: ReadonlyMap<string, string>
  readonly #ends: ReadonlyMap<string, string>
  readonly #translations: readonly Mapping[]
  readonly #nodeTranslations: readonly Mapping[]

  constructor(spec: NodeConfigSpec) {
    const { routes = [], inwardRoutes = [], arps = [], fdbs = [] } = spec
    this.#spec = spec
    for (const route of routes) this.#routes.add(parseCidr(route.cidr), route)
    const behind = inwardRoutes.length > 0 ? routes.filter(({ dev, gw }) => isLocal(dev) && gw !== undefined) : []
    for (const route of [...inwardRoutes, ...behind]) this.#inwardRoutes.add(parseCidr(route.cidr), route)
    this.#macs = new Map(arps.map(({ ip, dev, mac }) => [`${dev} ${ip}`, mac]))
    this.#ends = new Map(fdbs.map(({ ip, dev, mac }) => [`${dev} ${mac}`, ip]))
    this.#translations = mappingsOf(spec.translations)
    this.#nodeTranslations = mappingsOf(spec.nodeTranslations)
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
    if (isLocal(dev) && detours.length === 0) return mapped(source, this.#nodeTranslations, 'out')
    const isHidden = masquerades.some(
      (one) => (one.dev === dev || isLocal(dev)) && contains(parseCidr(one.source), parseCidr(source)),
    )
    if (isHidden) return own
    return mapped(source, isLocal(dev) ? this.#nodeTranslations : this.#translations, 'out')
  }

  /** What a packet that has come in by a device is for; what goes on to a node of this cluster is translated there. */
  targetOf(dev: string, target: string): string {
    if (isLocal(dev)) return mapped(target, this.#nodeTranslations, 'in')
    return this.inwardRouteTo(target) ? target : mapped(target, this.#translations, 'in')
  }

  #deviceOf(dev: string) {
    return this.#spec.devices?.find(({ name }) => name === dev)
  }
}

/** The address that a pod or Service of this cluster has on the other side. */
function mapped(address: string, mappings: readonly Mapping[], direction: 'in' | 'out'): string {
  const one = parseCidr(address)
  for (const { local, global } of mappings) {
    const [before, after] = direction === 'out' ? [local, global] : [global, local]
    if (contains(before, one)) return formatAddress(one.family, translate(one, before, after).base)
  }
  return address
}
