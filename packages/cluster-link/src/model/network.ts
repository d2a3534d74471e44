import type { Endpoint } from '@kosmos/api'
import type { Cidr } from '@kosmos/kube/addresses'

/** A node, as far as its tunnels are concerned. */
export interface LinkNode {
  readonly name: string
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  /** Where encrypted tunnels of other clusters reach it, if not at its own address and port. */
  readonly endpoint?: Endpoint | undefined
  readonly podCIDRs: readonly Cidr[]
  readonly isGateway: boolean
  /** A gateway after all others, because it is about to be away. */
  readonly isStandby?: boolean
  /** Its number within the networks that overlay addresses are taken from. */
  readonly tunnelID: number
  /** WireGuard, base64; unknown until its agent has run. */
  readonly publicKey?: string | undefined
  /** IPsec, base64; unknown until its agent has run. */
  readonly ipsecPublicKey?: string | undefined
  /** Those that it goes over to. */
  readonly nextPublicKey?: string | undefined
  readonly nextIpsecPublicKey?: string | undefined
  /** Of its underlay, in bytes. */
  readonly mtu: number
}

export type Tunnel = 'vxlan' | 'wireguard' | 'ipsec'

/** Networks of both families; one may be missing. */
export interface CidrPair {
  readonly ip?: Cidr | undefined
  readonly ip6?: Cidr | undefined
}

/** A network of a cluster and how others see it; `global` is the same as `local` where nothing is mapped. */
export interface SeenNetwork {
  readonly kind: 'Pod' | 'Service'
  readonly local: Cidr
  readonly global: Cidr
}

/** Clusters that one may not talk with, by name, and the ClusterLinkPolicies that stand in the way. */
export type Strangers = ReadonlyMap<string, readonly string[]>

export interface LinkCluster {
  readonly name: string
  readonly networkType: 'p2p' | 'gateway'
  readonly families: ReadonlySet<4 | 6>
  readonly tunnel: Tunnel
  /** Where overlay addresses between clusters, and between its own nodes, are taken from. */
  readonly bridge: CidrPair
  readonly local: CidrPair
  readonly networks: readonly SeenNetwork[]
  readonly nodes: ReadonlyMap<string, LinkNode>
  readonly strangers: Strangers
}

/** The clusters that are connected, by name. */
export type LinkNetwork = ReadonlyMap<string, LinkCluster>
