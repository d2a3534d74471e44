import type { Cidr } from '@kosmos/kube/addresses'

/** A node, as far as its tunnels are concerned. */
export interface LinkNode {
  readonly name: string
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  readonly podCIDRs: readonly Cidr[]
  readonly isGateway: boolean
  /** Its number within the networks that overlay addresses are taken from. */
  readonly tunnelID: number
  /** WireGuard, base64; unknown until its agent has run. */
  readonly publicKey?: string | undefined
  /** IPsec, base64; unknown until its agent has run. */
  readonly ipsecPublicKey?: string | undefined
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
}

/** The clusters that are connected, by name. */
export type LinkNetwork = ReadonlyMap<string, LinkCluster>
