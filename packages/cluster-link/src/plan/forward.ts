import type { LinkDetour, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { parseCidr } from '@kosmos/kube/addresses'
import { isLocal } from '../model/detours.ts'
import type { LinkNetwork } from '../model/network.ts'
import { secureAddress } from './addresses.ts'
import { ForwardingTable } from './forwarding-table.ts'
import { overlayNames } from './overlay-names.ts'
import { PrefixTable } from './prefix-table.ts'

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

/** A packet lives no longer on its way. */
const MANY = 64

/** Follows packets over NodeConfigs as the kernels of the nodes forward them. */
export class Forwarding {
  readonly #facts: ForwardingFacts
  /** By the addresses that tunnels end at. */
  readonly #ends = new Map<string, string>()
  /** Of each cluster, the nodes by the networks of their pods. */
  readonly #pods = new Map<string, PrefixTable<string>>()
  readonly #tables = new WeakMap<NodeConfigSpec, ForwardingTable>()

  constructor(facts: ForwardingFacts) {
    this.#facts = facts
    for (const cluster of facts.network.values()) {
      const pods = new PrefixTable<string>()
      this.#pods.set(cluster.name, pods)
      for (const node of cluster.nodes.values()) {
        const place = `${cluster.name}/${node.name}`
        for (const cidr of node.podCIDRs) pods.add(cidr, place)
        for (const address of [node.ip, node.ip6, secureAddress(cluster, node)])
          if (address) this.#ends.set(address, place)
      }
    }
  }

  /** The node that a next hop is. */
  nodeOf(nextHop: string): string | undefined {
    return overlayNames(this.#facts.network).get(nextHop)
  }

  /** The node that a tunnel ends at, by its address on the underlay or its secure one. */
  nodeAt(end: string): string | undefined {
    return this.#ends.get(end)
  }

  /** From an address on a node to an address; `source` undefined: from the node itself. */
  send(place: string, source: string | undefined, target: string): Trip {
    const hops: TunnelHop[] = []
    const path = [place]
    let at = place
    let from = source
    let to = target
    let isFromOutside = false
    let isHandedOn = false
    const end = (rest: { arrivedAt: string } | { lost: string }): Trip => ({
      source: from ?? '',
      target: to,
      path,
      hops,
      ...rest,
    })
    for (let count = 0; count < MANY; count++) {
      const owner = this.#ownerWithin(at, to)
      const table = this.#tableOf(at)
      const inward: LinkRoute | undefined = isFromOutside && owner !== at ? table?.inwardRouteTo(to) : undefined
      if (owner !== undefined && inward === undefined) {
        if (owner !== at) path.push(owner)
        return end({ arrivedAt: owner })
      }
      if (table === undefined) return end({ lost: `nothing is known of ${at}` })
      const route: LinkRoute | undefined = inward ?? this.#lookUp(at, table, to, isHandedOn)
      if (route === undefined) return end({ lost: `${at} has no route to ${to}` })
      const { cidr, dev, gw }: LinkRoute = route
      if (isFromOutside && inward === undefined && (!isLocal(dev) || gw !== undefined))
        return end({ lost: `${at} carries nothing between other clusters` })
      const detour: LinkDetour | undefined = inward === undefined ? table.detourBy(route) : undefined
      isHandedOn = detour !== undefined
      from = table.sourceOf(dev, from, to)
      const { nextHop, end: tunnelEnd } = table.across(route)
      const next = this.#ends.get(tunnelEnd)
      if (next === undefined) return end({ lost: `${at} has no neighbour or tunnel to ${nextHop}` })
      hops.push({
        from: at,
        to: next,
        dev,
        cidr,
        nextHop,
        end: tunnelEnd,
        mtu: table.mtuOf(dev),
        source: from,
        target: to,
      })
      at = next
      path.push(at)
      isFromOutside = !isLocal(dev)
      const within = this.#tableOf(at)
      if (within?.hasAddress(from)) return end({ lost: `${at} drops ${from}, which is its own` })
      if (within === undefined || (inward === undefined && !isFromOutside)) continue
      if (!within.hasRouteBack(from, dev)) return end({ lost: `${at} drops ${from}` })
      to = within.targetOf(dev, to)
    }
    return end({ lost: 'it goes around' })
  }

  #tableOf(place: string): ForwardingTable | undefined {
    const spec = this.#facts.specOf(place)
    if (spec === undefined) return undefined
    const known = this.#tables.get(spec) ?? new ForwardingTable(spec)
    this.#tables.set(spec, known)
    return known
  }

  /** The node of the same cluster whose pods have the address: the network plug-in's business. */
  #ownerWithin(at: string, address: string): string | undefined {
    const [cluster = ''] = at.split('/')
    const [owners] = this.#pods.get(cluster)?.matches(parseCidr(address)) ?? []
    return owners?.[0]
  }

  /**
   * The longest prefix; of its next hops, then of the detours, the first one that answers. When none does, the first one.
   * What was handed on takes a detour to the gateways after this one only.
   */
  #lookUp(at: string, table: ForwardingTable, address: string, isHandedOn: boolean): LinkRoute | undefined {
    const candidates = table.routesTo(address)
    const answers = (route: LinkRoute) => {
      const { nextHop, end } = table.across(route)
      return this.#facts.isSilent?.(at, { nextHop, to: this.#ends.get(end) }) !== true
    }
    const direct = candidates.find(answers)
    if (direct) return direct
    const answering = table.detoursOf(candidates[0]).filter(answers)
    const [first] = isHandedOn ? answering.filter(({ takesHandedOn }) => takesHandedOn) : answering
    return first ?? candidates[0]
  }
}
