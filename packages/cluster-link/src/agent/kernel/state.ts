import type { IpsecConnection } from '../ipsec/connection.ts'
import type { Family } from '../net/cidr.ts'
import type { Forward } from './forward.ts'

/** What of ours is in the kernel of a node, or should be. Addresses are in the form in which the kernel prints them. */
export interface KernelState {
  readonly links: ReadonlyMap<string, Link>
  /** In our tables, see {@link routeKey}. */
  readonly routes: ReadonlyMap<string, Route>
  /** Of which packets our tables are looked into, see {@link ruleKey}. */
  readonly rules: ReadonlySet<string>
  /** By device and MAC. */
  readonly fdbs: ReadonlyMap<string, Fdb>
  /** By device and address. */
  readonly neighbours: ReadonlyMap<string, Neighbour>
  /** By device. */
  readonly wireGuards: ReadonlyMap<string, WireGuard>
  /** Of strongSwan, by name. */
  readonly ipsecs: ReadonlyMap<string, IpsecConnection>
  /** Our nftables table as nft prints it; empty: there is none. */
  readonly nft: string
  /** In chains of others, by `forwardKey`. */
  readonly forwards: ReadonlyMap<string, Forward>
}

export interface Link {
  readonly name: string
  /** `tun` is WireGuard outside of the kernel; `xfrm` is IPsec in the kernel, `libipsec` outside of it. */
  readonly kind: 'vxlan' | 'wireguard' | 'tun' | 'xfrm' | 'libipsec'
  readonly vxlan?: Vxlan
  readonly mac?: string
  readonly mtu: number
  /** Sorted. */
  readonly addresses: readonly string[]
  readonly isUp: boolean
  /** Carries the alias by which devices of ours are known. */
  readonly isMarked: boolean
  /** rp_filter is 2: an answer may come by another way than the question went. */
  readonly isLoose: boolean
}

/** What cannot be changed on a VXLAN device. */
export interface Vxlan {
  readonly id: number
  readonly port: number
  readonly local?: string
  readonly bindDev?: string
}

export interface Route {
  readonly cidr: string
  /** For what comes from other clusters only. */
  readonly isInward?: true
  /** For what other gateways have handed on only. */
  readonly isHandedOn?: true
  readonly source?: string
  /** Sorted; none: the network is unreachable. */
  readonly hops: readonly Hop[]
}

export interface Hop {
  readonly gateway?: string
  readonly dev: string
}

export interface Fdb {
  readonly dev: string
  readonly mac: string
  readonly ip: string
}

export interface Neighbour {
  readonly dev: string
  readonly ip: string
  readonly mac: string
}

export interface WireGuard {
  readonly dev: string
  readonly publicKey: string
  readonly port: number
  /** By public key. */
  readonly peers: ReadonlyMap<string, Peer>
}

export interface Peer {
  readonly publicKey: string
  readonly endpoint?: string
  /** Sorted. */
  readonly allowedIPs: readonly string[]
  readonly keepaliveSeconds?: number
}

export const linkAlias = 'kosmos.io'
export const rulePreference = 30_000
/** Before the other one, since what comes from other clusters may be for networks that others have as well. */
export const inwardPreference = 29_999

export const routeKey = ({ cidr, isInward, isHandedOn }: Pick<Route, 'cidr' | 'isInward' | 'isHandedOn'>): string =>
  isInward ? `inward ${cidr}` : isHandedOn ? `handed-on ${cidr}` : cidr
/** With a device: what comes in by it looks into the table of inward routes, or, if it was handed on, into that of those. */
export const ruleKey = (family: Family, dev?: string, which?: 'handed-on'): string =>
  [family, dev, which].filter((word) => word !== undefined).join(' ')
export const fdbKey = ({ dev, mac }: Pick<Fdb, 'dev' | 'mac'>): string => `${dev} ${mac}`
export const neighbourKey = ({ dev, ip }: Pick<Neighbour, 'dev' | 'ip'>): string => `${dev} ${ip}`

export const hopKey = ({ gateway = '', dev }: Hop): string => `${dev} ${gateway}`

export const byHop = (a: Hop, b: Hop): number => (hopKey(a) < hopKey(b) ? -1 : 1)

/** On-link networks first: gateways are in them. */
export const onLinkFirst = (a: Route, b: Route): number => viaGateway(a) - viaGateway(b)

const viaGateway = ({ hops }: Route): number => (hops.some(({ gateway }) => gateway !== undefined) ? 1 : 0)

export const keyedBy = <T>(items: Iterable<T>, key: (item: T) => string): Map<string, T> =>
  new Map(Array.from(items, (item) => [key(item), item]))

/** A node without ClusterLink. */
export const nothing: KernelState = {
  links: new Map(),
  routes: new Map(),
  rules: new Set(),
  fdbs: new Map(),
  neighbours: new Map(),
  wireGuards: new Map(),
  ipsecs: new Map(),
  nft: '',
  forwards: new Map(),
}
