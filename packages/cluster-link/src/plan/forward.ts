import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import type { LinkNetwork } from '../model/network.ts'
import { bridgeOverlay, localOverlay, secureAddress } from './addresses.ts'

/** From one node through a tunnel to the next one. Nodes are written as `cluster/node`. */
export interface TunnelHop {
  readonly from: string
  readonly to: string
  readonly dev: string
  /** The network that the route is to. */
  readonly cidr: string
  /** The overlay address that the packet is handed to; what the agent of `from` asks. */
  readonly nextHop: string
  /** The address of the other end of the tunnel. */
  readonly end: string
  readonly mtu: number | undefined
  /** The addresses of the packet in the tunnel. */
  readonly source: string
  readonly target: string
}

/** A packet on its way, and the nodes that it has passed. */
export interface Trip {
  /** As the receiver sees them. */
  readonly source: string
  readonly target: string
  readonly path: readonly string[]
  readonly hops: readonly TunnelHop[]
  /** The node that has the address, or why there is none. */
  readonly arrivedAt?: string
  readonly lost?: string
}

export interface ForwardingFacts {
  readonly network: LinkNetwork
  /** What a node has, or should have. */
  readonly specOf: (place: string) => NodeConfigSpec | undefined
  /** Whether the agent of a node takes a next hop for dead: others are taken instead, if there are any. */
  readonly isSilent?: (place: string, hop: { readonly nextHop: string; readonly to: string | undefined }) => boolean
}

/** More nodes than on any way that a plan foresees. */
const MANY = 8

/** Follows packets over NodeConfigs as the kernels of the nodes forward them. */
export class Forwarding {
  readonly #facts: ForwardingFacts
  /** By the addresses that tunnels end at, and by those of next hops. */
  readonly #ends = new Map<string, string>()
  readonly #overlays = new Map<string, string>()

  constructor(facts: ForwardingFacts) {
    this.#facts = facts
    for (const cluster of facts.network.values()) {
      for (const node of cluster.nodes.values()) {
        const place = `${cluster.name}/${node.name}`
        for (const address of [node.ip, node.ip6, secureAddress(cluster, node)])
          if (address) this.#ends.set(address, place)
        for (const { ip, ip6 } of [bridgeOverlay(cluster, node), localOverlay(cluster, node)]) {
          for (const address of [ip, ip6]) if (address) this.#overlays.set(address, place)
        }
      }
    }
  }

  /** The node that a next hop is. */
  nodeOf(nextHop: string): string | undefined {
    return this.#overlays.get(nextHop)
  }

  /** From an address on a node to an address; `source` undefined: from the node itself. */
  send(place: string, source: string | undefined, target: string): Trip {
    const hops: TunnelHop[] = []
    const path = [place]
    let at = place
    let from = source
    let to = target
    const end = (rest: { arrivedAt: string } | { lost: string }): Trip => ({
      source: from ?? '',
      target: to,
      path,
      hops,
      ...rest,
    })
    for (let count = 0; count < MANY; count++) {
      const owner = this.#ownerWithin(at, to)
      if (owner !== undefined) {
        if (owner !== at) path.push(owner)
        return end({ arrivedAt: owner })
      }
      const spec = this.#facts.specOf(at)
      if (spec === undefined) return end({ lost: `nothing is known of ${at}` })
      const route = this.#lookUp(at, spec, to)
      if (route === undefined) return end({ lost: `${at} has no route to ${to}` })
      const isOutside = !isLocal(route.dev)
      from = leaving(spec, route.dev, from, to)
      const across = this.#across(spec, route)
      if (across?.place === undefined)
        return end({ lost: `${at} has no neighbour or tunnel to ${across?.nextHop ?? to}` })
      const { cidr, dev } = route
      const mtu = spec.devices?.find(({ name }) => name === dev)?.mtu
      const { nextHop, end: tunnelEnd } = across
      hops.push({ from: at, to: across.place, dev, cidr, nextHop, end: tunnelEnd, mtu, source: from, target: to })
      at = across.place
      path.push(at)
      const within = this.#facts.specOf(at)
      if (isOutside && within !== undefined) {
        if (!hasRouteBack(within, from, dev)) return end({ lost: `${at} drops ${from}` })
        to = translated(within, to, 'in')
      }
    }
    return end({ lost: 'it goes around' })
  }

  /** The node of the same cluster whose pods have the address: the network plug-in's business. */
  #ownerWithin(at: string, address: string): string | undefined {
    const [clusterName = ''] = at.split('/')
    for (const node of this.#facts.network.get(clusterName)?.nodes.values() ?? []) {
      if (node.podCIDRs.some((cidr) => contains(cidr, parseCidr(address)))) return `${clusterName}/${node.name}`
    }
    return undefined
  }

  /** The longest prefix; of its next hops, the first one that answers. When none does, the first one. */
  #lookUp(at: string, spec: NodeConfigSpec, address: string): LinkRoute | undefined {
    const wanted = parseCidr(address)
    const fitting = (spec.routes ?? []).filter(({ cidr }) => contains(parseCidr(cidr), wanted))
    const longest = Math.max(...fitting.map(({ cidr }) => parseCidr(cidr).prefix))
    const candidates = fitting
      .filter(({ cidr }) => parseCidr(cidr).prefix === longest)
      .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
    const answers = (route: LinkRoute) => {
      const across = this.#across(spec, route)
      return across !== undefined && this.#facts.isSilent?.(at, { nextHop: across.nextHop, to: across.place }) !== true
    }
    return candidates.find(answers) ?? candidates[0]
  }

  #across(spec: NodeConfigSpec, { gw, cidr, dev }: LinkRoute) {
    const nextHop = gw ?? cidr.split('/')[0] ?? ''
    const mac = spec.arps?.find((arp) => arp.ip === nextHop && arp.dev === dev)?.mac
    const end = spec.fdbs?.find((fdb) => fdb.mac === mac && fdb.dev === dev)?.ip
    return { nextHop, end: end ?? '', place: end === undefined ? undefined : this.#ends.get(end) }
  }
}

/** Whether a device stays within its cluster. */
const isLocal = (dev: string): boolean => dev.startsWith('vx-local')

/** The source of a packet that leaves a node by a device. */
function leaving(spec: NodeConfigSpec, dev: string, source: string | undefined, target: string): string {
  const device = spec.devices?.find(({ name }) => name === dev)
  const own = (target.includes(':') ? device?.addr6 : device?.addr)?.split('/')[0] ?? ''
  if (source === undefined) return own
  if (isLocal(dev)) return source
  const isHidden = (spec.masquerades ?? []).some(
    (one) => one.dev === dev && contains(parseCidr(one.source), parseCidr(source)),
  )
  return isHidden ? own : translated(spec, source, 'out')
}

const hasRouteBack = (spec: NodeConfigSpec, source: string, dev: string): boolean =>
  (spec.routes ?? []).some((route) => route.dev === dev && contains(parseCidr(route.cidr), parseCidr(source)))

function translated(spec: NodeConfigSpec, address: string, direction: 'in' | 'out'): string {
  const one = parseCidr(address)
  for (const { local, global } of spec.translations ?? []) {
    const [from, to] = [parseCidr(local), parseCidr(global)]
    const [before, after] = direction === 'out' ? [from, to] : [to, from]
    if (contains(before, one)) return formatAddress(one.family, translate(one, before, after).base)
  }
  return address
}
