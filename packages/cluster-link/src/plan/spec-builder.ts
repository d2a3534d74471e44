import type { LinkDetour, LinkDevice, LinkIpsecPeer, LinkPeer, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { devices } from '../model/names.ts'
import type { LinkCluster, LinkNode, Tunnel } from '../model/network.ts'
import { macOf, type Overlay, secureAddress } from './addresses.ts'
import { mergedRoutes, type Routes, routeKey } from './routes.ts'

/** What VXLAN and WireGuard put around a packet, by the family they run over: RFC 7348; WireGuard's data message. */
const vxlanOverhead = { 4: 50, 6: 70 } as const
const wireGuardOverhead = { 4: 60, 6: 80 } as const

/**
 * The worst case of ESP within UDP: the outer header, UDP (RFC 3948) 8, SPI and sequence number 8 and padding with its
 * length and the next header 2 + 3 (RFC 4303, section 2), AES-GCM's IV 8 and ICV 16 (RFC 4106).
 */
const ipsecOverhead = { 4: 20 + 45, 6: 40 + 45 } as const
/** strongSwan reads no longer packets from its TUN device (TUN_DEFAULT_MTU), and each end may be one without ESP. */
const libipsecMtu = 1400

/** NATs forget mappings of UDP after 30 s or more (RFC 4787, section 4.3, asks for 2 min). Who needs it does not know. */
const keepaliveSeconds = 25

/** IPv6 asks for this much of any link (RFC 8200, section 5). */
const MIN_MTU = 1280

/** The node that a NodeConfig is for, with its cluster. */
export interface Place {
  readonly cluster: LinkCluster
  readonly node: LinkNode
}

type DeviceKey = 'bridge' | 'bridge6' | 'local' | 'local6' | 'secure'

/** Gathers what a node needs, each thing once. */
export class SpecBuilder {
  readonly #place: Place
  readonly #overlays: { readonly bridge: Overlay; readonly local: Overlay }
  readonly #devices = new Map<string, LinkDevice>()
  readonly #routes = new Map<string, LinkRoute>()
  #shared: Routes = []
  readonly #inwardRoutes = new Map<string, LinkRoute>()
  readonly #detours = new Map<string, LinkDetour>()
  readonly #fdbs = new Map<string, { ip: string; mac: string; dev: string }>()
  readonly #arps = new Map<string, { ip: string; mac: string; dev: string }>()
  readonly #peers = new Map<string, LinkPeer>()
  readonly #ipsecPeers = new Map<string, LinkIpsecPeer>()

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
    const isSecure = kind === 'wireguard' || kind === 'ipsec'
    const underlay = isSecure ? outsideOf(node, other.node) : inCommon(node, other.node)
    if (underlay === undefined) return undefined
    if (isSecure && !this.#encrypted(kind, other, underlay)) return undefined
    const key = isSecure ? 'secure' : `${kind === 'local' ? 'local' : 'bridge'}${underlay === 6 ? '6' : ''}`
    const device = this.#vxlan(key as DeviceKey, this.#roomFor(kind, other, underlay))
    const far = isSecure ? secureAddress(other.cluster, other.node) : underlay === 4 ? other.node.ip : other.node.ip6
    const mac = macOf(other.cluster, other.node, device)
    this.#fdbs.set(`${device} ${mac}`, { ip: far ?? '', mac, dev: device })
    for (const [address, length] of addressesOf(overlay)) {
      this.#arps.set(`${device} ${address}`, { ip: address, mac, dev: device })
      this.route({ cidr: `${address}/${length}`, dev: device })
    }
    return device
  }

  route(route: LinkRoute): void {
    this.#routes.set(routeKey(route), route)
  }

  /** Those that other nodes have as well, all of them; none of them is to an end of a tunnel of the node. */
  sharedRoutes(routes: Routes): void {
    this.#shared = routes
  }

  /** By which node packets from other clusters go on. */
  inwardRoute(route: LinkRoute): void {
    this.#inwardRoutes.set(route.cidr, route)
  }

  /** By whom goes on what none of a route's own next hops takes. */
  detour(detour: LinkDetour): void {
    this.#detours.set(`${detour.gw} ${detour.dev}`, detour)
  }

  build(rest: Pick<NodeConfigSpec, 'translations' | 'nodeTranslations' | 'masquerades'>): NodeConfigSpec {
    const all = {
      devices: sorted(this.#devices),
      routes: [...mergedRoutes(sortedEntries(this.#routes), this.#shared)],
      inwardRoutes: sorted(this.#inwardRoutes),
      detours: sorted(this.#detours),
      fdbs: sorted(this.#fdbs),
      arps: sorted(this.#arps),
      peers: sorted(this.#peers),
      ipsecPeers: sorted(this.#ipsecPeers),
      translations: this.#devices.size > 0 ? rest.translations : [],
      nodeTranslations: this.#devices.size > 0 ? rest.nodeTranslations : [],
      masquerades: (rest.masquerades ?? []).filter(({ dev }) => this.#devices.has(dev)),
    }
    const filled = Object.entries(all).filter(([, list]) => list !== undefined && list.length > 0)
    return { nodeName: this.#place.node.name, ...Object.fromEntries(filled) }
  }

  /** What a packet to another node may measure, VXLAN included. */
  #roomFor(kind: 'local' | Tunnel, { node }: Place, underlay: 4 | 6): number {
    return kind === 'wireguard' || kind === 'ipsec'
      ? encryptedMtu(kind, this.#place.node, node) - vxlanOverhead[4]
      : Math.min(this.#place.node.mtu, node.mtu) - vxlanOverhead[underlay]
  }

  #vxlan(key: DeviceKey, mtu: number): string {
    const { cluster, node } = this.#place
    const { name, id, port } = devices[key]
    const { ip, ip6 } = key === 'local' || key === 'local6' ? this.#overlays.local : this.#overlays.bridge
    const underlay = { bridge: node.ip, local: node.ip, bridge6: node.ip6, local6: node.ip6 }
    const local = key === 'secure' ? secureAddress(cluster, node) : underlay[key]
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

  /** The layer under VXLAN; @returns whether both ends have a key for it */
  #encrypted(kind: 'wireguard' | 'ipsec', other: Place, underlay: 4 | 6): boolean {
    const { cluster, node } = this.#place
    const { name, port } = kind === 'wireguard' ? devices.wireGuard : devices.ipsec
    const own = secureAddress(cluster, node)
    const far = secureAddress(other.cluster, other.node)
    const [local, itsOwn] = underlay === 4 ? [node.ip, other.node.ip] : [node.ip6, other.node.ip6]
    const { endpoint } = other.node
    const at = endpoint?.family === underlay ? endpoint : { address: itsOwn, port: undefined }
    if (kind === 'wireguard') {
      const { publicKey, nextPublicKey } = other.node
      if (publicKey === undefined || node.publicKey === undefined) return false
      this.#peers.set(publicKey, {
        dev: name,
        publicKey,
        ...(nextPublicKey && { nextPublicKey }),
        endpoint: `${underlay === 4 ? at.address : `[${at.address}]`}:${at.port ?? port}`,
        allowedIPs: [`${far}/32`],
        keepaliveSeconds,
      })
    } else {
      const { ipsecPublicKey: publicKey, nextIpsecPublicKey: nextPublicKey } = other.node
      if (publicKey === undefined || node.ipsecPublicKey === undefined) return false
      this.#ipsecPeers.set(far, {
        publicKey,
        ...(nextPublicKey && { nextPublicKey }),
        ...(local && { local }),
        ...(at.address && { remote: at.address }),
        ...(at.port && { remotePort: at.port }),
        localSecure: own,
        remoteSecure: far,
      })
    }
    const mtu = encryptedMtu(kind, node, other.node)
    this.#devices.set(name, {
      type: kind,
      name,
      addr: `${own}/32`,
      port,
      mtu: Math.min(mtu, this.#devices.get(name)?.mtu ?? mtu),
    })
    this.route({ cidr: `${far}/32`, dev: name })
    return true
  }
}

/** The family of addresses that two nodes reach each other by. */
function inCommon(node: LinkNode, other: LinkNode): 4 | 6 | undefined {
  return node.ip && other.ip ? 4 : node.ip6 && other.ip6 ? 6 : undefined
}

/** The same where the other one may be reached at an address that it does not have. */
function outsideOf(node: LinkNode, other: LinkNode): 4 | 6 | undefined {
  const { family } = other.endpoint ?? {}
  return family && (family === 4 ? node.ip : node.ip6) ? family : inCommon(node, other)
}

/** What fits between two nodes, whichever of them calls the other. */
function encryptedMtu(kind: 'wireguard' | 'ipsec', node: LinkNode, other: LinkNode): number {
  const underlay = outsideOf(node, other) === 6 || outsideOf(other, node) === 6 ? 6 : 4
  const smaller = Math.min(node.mtu, other.mtu)
  const room =
    kind === 'wireguard'
      ? smaller - wireGuardOverhead[underlay]
      : Math.min(libipsecMtu, smaller - ipsecOverhead[underlay])
  return Math.max(MIN_MTU + vxlanOverhead[4], room)
}

function* addressesOf({ ip, ip6 }: Overlay): Generator<[string, 32 | 128]> {
  if (ip) yield [ip, 32]
  if (ip6) yield [ip6, 128]
}

/** In the order of their keys, so that the same network always gives the same NodeConfig. */
function sorted<T>(entries: ReadonlyMap<string, T>): T[] {
  return sortedEntries(entries).map(([, value]) => value)
}

function sortedEntries<T>(entries: ReadonlyMap<string, T>): [key: string, value: T][] {
  return [...entries.keys()].sort().map((key) => [key, entries.get(key) as T])
}
