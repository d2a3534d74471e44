import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { type Cidr, contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import type { LinkNetwork } from '../../model/network.ts'
import { secureAddress } from '../addresses.ts'
import { pairsOf } from '../pairs.ts'
import { planNode } from '../plan-node.ts'

/** A packet on its way, and the nodes that it has passed, as `cluster/node`. */
export interface Trip {
  readonly source: string
  readonly target: string
  readonly path: readonly string[]
  /** The node that has the address, or why there is none. */
  readonly arrivedAt?: string
  readonly lost?: string
}

/** Forwards packets over the plan of a network as kernels would. */
export class Simulation {
  readonly #network: LinkNetwork
  readonly #specs = new Map<string, NodeConfigSpec>()
  readonly #owners = new Map<string, string>()
  readonly #down: ReadonlySet<string>

  constructor(network: LinkNetwork, down: Iterable<string> = []) {
    this.#network = network
    this.#down = new Set(down)
    for (const cluster of network.values()) {
      const pairs = pairsOf(network, cluster)
      for (const node of cluster.nodes.values()) {
        const place = `${cluster.name}/${node.name}`
        this.#specs.set(place, planNode(cluster, node, pairs))
        for (const address of [node.ip, node.ip6, secureAddress(cluster, node)])
          if (address) this.#owners.set(address, place)
      }
    }
  }

  spec(place: string): NodeConfigSpec {
    const spec = this.#specs.get(place)
    if (spec === undefined) throw new Error(`there is no node ${place}`)
    return spec
  }

  /** From a pod on a node to an address. */
  send(place: string, source: string, target: string): Trip {
    const path = [place]
    let at = place
    for (let hop = 0; hop < 8; hop++) {
      const lost = (why: string): Trip => ({ source, target, path, lost: why })
      const owner = this.#ownerWithin(at, target)
      if (owner !== undefined) return { source, target, path: owner === at ? path : [...path, owner], arrivedAt: owner }
      const spec = this.spec(at)
      const route = this.#lookUp(spec, target)
      if (route === undefined) return lost(`${at} has no route to ${target}`)
      if (route.dev !== 'vx-local') source = translated(spec, source, 'out')
      const next = this.#across(spec, route)
      if (next === undefined) return lost(`${at} has no neighbour or tunnel to ${route.gw ?? target}`)
      if (this.#down.has(next)) return lost(`${next} is down`)
      at = next
      path.push(at)
      const within = this.spec(at)
      if (route.dev !== 'vx-local' && !hasRouteBack(within, source, route.dev)) return lost(`${at} drops ${source}`)
      if (route.dev !== 'vx-local') target = translated(within, target, 'in')
    }
    return { source, target, path, lost: 'it goes around' }
  }

  /** The node of the same cluster whose pods have the address: the network plug-in's business. */
  #ownerWithin(at: string, address: string): string | undefined {
    const [clusterName = ''] = at.split('/')
    for (const node of this.#network.get(clusterName)?.nodes.values() ?? []) {
      if (node.podCIDRs.some((cidr) => contains(cidr, parseCidr(address)))) return `${clusterName}/${node.name}`
    }
    return undefined
  }

  #lookUp(spec: NodeConfigSpec, address: string): LinkRoute | undefined {
    const wanted = parseCidr(address)
    return (spec.routes ?? [])
      .filter(({ cidr }) => contains(parseCidr(cidr), wanted))
      .filter((route) => !this.#down.has(this.#across(spec, route) ?? ''))
      .sort((a, b) => parseCidr(b.cidr).prefix - parseCidr(a.cidr).prefix || (a.metric ?? 0) - (b.metric ?? 0))[0]
  }

  #across(spec: NodeConfigSpec, { gw, cidr, dev }: LinkRoute): string | undefined {
    const address = gw ?? cidr.split('/')[0]
    const mac = spec.arps?.find((arp) => arp.ip === address && arp.dev === dev)?.mac
    const far = spec.fdbs?.find((fdb) => fdb.mac === mac && fdb.dev === dev)?.ip
    return far === undefined ? undefined : this.#owners.get(far)
  }
}

const hasRouteBack = (spec: NodeConfigSpec, source: string, dev: string): boolean =>
  (spec.routes ?? []).some((route) => route.dev === dev && contains(parseCidr(route.cidr), parseCidr(source)))

function translated(spec: NodeConfigSpec, address: string, direction: 'in' | 'out'): string {
  const one: Cidr = parseCidr(address)
  for (const { local, global } of spec.translations ?? []) {
    const [from, to] = [parseCidr(local), parseCidr(global)]
    const [before, after] = direction === 'out' ? [from, to] : [to, from]
    if (contains(before, one)) return formatAddress(one.family, translate(one, before, after).base)
  }
  return address
}
