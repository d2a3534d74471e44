import type { LinkDevice, LinkPeer, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { devices } from '../model/names.ts'
import type { LinkCluster, LinkNode, Tunnel } from '../model/network.ts'
import { macOf, type Overlay, secureAddress } from './addresses.ts'

/** What VXLAN and WireGuard put around a packet, by the family they run over: RFC 7348; WireGuard's data message. */
const vxlanOverhead = { 4: 50, 6: 70 } as const
const wireGuardOverhead = { 4: 60, 6: 80 } as const

/** IPv6 asks for this much of any link (RFC 8200, section 5). */
const MIN_MTU = 1280

/** The node that a NodeConfig is for, with its cluster. */
export interface Place {
  readonly cluster: LinkCluster
  readonly node: LinkNode
}

/** A next hop: its overlay addresses, and the device that leads there, if one does. */
export interface Hop {
  readonly overlay: Overlay
  readonly dev: string | undefined
}

type DeviceKey = 'bridge' | 'bridge6' | 'local' | 'local6' | 'secure'

/** Gathers what a node needs, each thing once. */
export class SpecBuilder {
  readonly #place: Place
  readonly #overlays: { readonly bridge: Overlay; readonly local: Overlay }
  readonly #devices = new Map<string, LinkDevice>()
  readonly #routes = new Map<string, LinkRoute>()
  readonly #fdbs = new Map<string, { ip: string; mac: string; dev: string }>()
  readonly #arps = new Map<string, { ip: string; mac: string; dev: string }>()
  readonly #peers = new Map<string, LinkPeer>()

  constructor(place: Place, overlays: { readonly bridge: Overlay; readonly local: Overlay }) {
    this.#place = place
    this.#overlays = overlays
  }

  /**
   * A tunnel to another node, with its overlay addresses on the link.
   * @returns the device, or undefined if the two have no address in one family, or no key to encrypt for
   */
  tunnel(kind: 'local' | Tunnel, other: Place, overlay: Overlay): string | undefined {
    const { node } = this.#place
    const underlay = node.ip && other.node.ip ? 4 : node.ip6 && other.node.ip6 ? 6 : undefined
    if (underlay === undefined) return undefined
    if (kind === 'wireguard' && !this.#encrypted(other, underlay)) return undefined
    const key = kind === 'wireguard' ? 'secure' : `${kind === 'local' ? 'local' : 'bridge'}${underlay === 6 ? '6' : ''}`
    const device = this.#vxlan(key as DeviceKey, other.node.mtu, underlay)
    const far =
      kind === 'wireguard' ? secureAddress(other.cluster, other.node) : underlay === 4 ? other.node.ip : other.node.ip6
    const mac = macOf(other.cluster, other.node, device)
    this.#fdbs.set(`${device} ${mac}`, { ip: far ?? '', mac, dev: device })
    for (const [address, length] of addressesOf(overlay)) {
      this.#arps.set(`${device} ${address}`, { ip: address, mac, dev: device })
      this.route({ cidr: `${address}/${length}`, dev: device })
    }
    return device
  }

  route(route: LinkRoute): void {
    this.#routes.set(`${route.cidr} ${route.gw ?? ''} ${route.dev}`, route)
  }

  /** A route by several next hops, the first one first; the others stand by. */
  routeVia(cidr: string, family: 4 | 6, hops: readonly Hop[]) {
    let metric = 0
    for (const { overlay, dev } of hops) {
      const gw = family === 4 ? overlay.ip : overlay.ip6
      if (dev === undefined || gw === undefined) continue
      this.route({ cidr, gw, dev, ...(metric > 0 && { metric }) })
      metric++
    }
  }

  build(rest: Pick<NodeConfigSpec, 'translations' | 'masquerades'>): NodeConfigSpec {
    const all = {
      devices: sorted(this.#devices),
      routes: sorted(this.#routes),
      fdbs: sorted(this.#fdbs),
      arps: sorted(this.#arps),
      peers: sorted(this.#peers),
      translations: this.#devices.size > 0 ? rest.translations : [],
      masquerades: (rest.masquerades ?? []).filter(({ dev }) => this.#devices.has(dev)),
    }
    const filled = Object.entries(all).filter(([, list]) => list !== undefined && list.length > 0)
    return { nodeName: this.#place.node.name, ...Object.fromEntries(filled) }
  }

  #vxlan(key: DeviceKey, farMtu: number, underlay: 4 | 6): string {
    const { cluster, node } = this.#place
    const { name, id, port } = devices[key]
    const { ip, ip6 } = key === 'local' || key === 'local6' ? this.#overlays.local : this.#overlays.bridge
    const smaller = Math.min(node.mtu, farMtu)
    const mtu =
      key === 'secure' ? wireGuardMtu(smaller, underlay) - vxlanOverhead[4] : smaller - vxlanOverhead[underlay]
    const local = key === 'secure' ? secureAddress(cluster, node) : underlay === 4 ? node.ip : node.ip6
    this.#devices.set(name, {
      type: 'vxlan',
      name,
      ...(ip && { addr: `${ip}/32` }),
      ...(ip6 && { addr6: `${ip6}/128` }),
      mac: macOf(cluster, node, name),
      ...(local && { local }),
      id,
      port,
      mtu: Math.max(MIN_MTU, Math.min(mtu, this.#devices.get(name)?.mtu ?? mtu)),
    })
    return name
  }

  #encrypted(other: Place, underlay: 4 | 6): boolean {
    const { cluster, node } = this.#place
    const { publicKey, mtu: farMtu } = other.node
    if (publicKey === undefined || node.publicKey === undefined) return false
    const { name, port } = devices.wireGuard
    const mtu = wireGuardMtu(Math.min(node.mtu, farMtu), underlay)
    this.#devices.set(name, {
      type: 'wireguard',
      name,
      addr: `${secureAddress(cluster, node)}/32`,
      port,
      mtu: Math.min(mtu, this.#devices.get(name)?.mtu ?? mtu),
    })
    const far = `${secureAddress(other.cluster, other.node)}/32`
    const endpoint = underlay === 4 ? `${other.node.ip}:${port}` : `[${other.node.ip6}]:${port}`
    this.#peers.set(publicKey, { dev: name, publicKey, endpoint, allowedIPs: [far] })
    this.route({ cidr: far, dev: name })
    return true
  }
}

const wireGuardMtu = (underlayMtu: number, underlay: 4 | 6): number =>
  Math.max(MIN_MTU + vxlanOverhead[4], underlayMtu - wireGuardOverhead[underlay])

function* addressesOf({ ip, ip6 }: Overlay): Generator<[string, 32 | 128]> {
  if (ip) yield [ip, 32]
  if (ip6) yield [ip6, 128]
}

/** In the order of their keys, so that the same network always gives the same NodeConfig. */
function sorted<T>(entries: ReadonlyMap<string, T>): T[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}
