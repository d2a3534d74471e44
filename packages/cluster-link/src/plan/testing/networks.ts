import { hostBits, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { LinkCluster, LinkNetwork, LinkNode, SeenNetwork, Tunnel } from '../../model/network.ts'
import { freeTunnelID } from '../addresses.ts'

/** What a test says about a cluster; the rest follows from its number. */
export interface ClusterSketch {
  readonly networkType: 'p2p' | 'gateway'
  readonly tunnel: Tunnel
  readonly families: readonly (4 | 6)[]
  readonly nodes: number
  readonly gateways: number
  /** Whether its pods have the addresses that those of every other such cluster have, and are mapped. */
  readonly overlapping: boolean
  /** Length of the pod network's IPv4 prefix. */
  readonly prefix: number
  /** Addresses out of the network of one node that another one has, both by their numbers. */
  readonly borrowed?: readonly (readonly [owner: number, borrower: number])[]
}

const bridge = { ip: parseCidr('220.0.0.0/8'), ip6: parseCidr('9470::/16') }
const local = { ip: parseCidr('210.0.0.0/8'), ip6: parseCidr('9480::/16') }

function networksOf(index: number, { overlapping, prefix, families }: ClusterSketch): SeenNetwork[] {
  const pods4 = parseCidr(`10.${overlapping ? 90 : 100 + index}.0.0/${prefix}`)
  const services4 = parseCidr(`10.${overlapping ? 9 : 10 + index}.0.0/18`)
  const pods6 = parseCidr(`fd00:${overlapping ? 'a' : `b${index}`}::/48`)
  const as = (text: string, cidr: SeenNetwork['local']) => ({ ...cidr, base: parseCidr(text).base })
  const all: SeenNetwork[] = [
    { kind: 'Pod', local: pods4, global: overlapping ? as(`100.${64 + index}.0.0`, pods4) : pods4 },
    { kind: 'Service', local: services4, global: overlapping ? as(`100.${96 + index}.0.0`, services4) : services4 },
    { kind: 'Pod', local: pods6, global: overlapping ? as(`fd00:c${index}::`, pods6) : pods6 },
  ]
  return all.filter(({ local }) => families.includes(local.family))
}

/** A network as sketched: its nodes have underlay addresses of which some end alike. */
export function buildNetwork(sketches: readonly ClusterSketch[]): LinkNetwork {
  const taken = new Set<number>()
  const clusters = sketches.map((sketch, index): [string, LinkCluster] => {
    const name = `c${index}`
    const networks = networksOf(index, sketch)
    const nodes = Array.from({ length: sketch.nodes }, (_, n): [string, LinkNode] => {
      const node = `n${n}`
      const ip = `${172 + index}.30.0.${10 + n}`
      const tunnelID = freeTunnelID({ name: `${name}-${node}`, ip }, taken, 24) ?? 0
      taken.add(tunnelID)
      const podCIDRs = networks
        .filter(({ kind }) => kind === 'Pod')
        .map(({ local }) => {
          const prefix = local.family === 4 ? 26 : 64
          const step = 1n << BigInt(hostBits({ ...local, prefix }))
          return { ...local, prefix, base: local.base + step * BigInt(n) }
        })
      const publicKey = Buffer.from(`${name}-${node}`.padEnd(32, '.')).toString('base64')
      const keys = { publicKey, ipsecPublicKey: Buffer.from(`ipsec ${name}-${node}`).toString('base64') }
      return [node, { name: node, ip, podCIDRs, isGateway: n < sketch.gateways, tunnelID, ...keys, mtu: 1500 }]
    })
    for (const [n, [owner, borrower]] of (sketch.borrowed ?? []).entries()) {
      const [from, to] = [owner, borrower].map((one) => nodes[one % nodes.length])
      if (!from || !to || from === to) continue
      const borrowed = from[1].podCIDRs
        .filter(({ prefix }) => prefix < 128 && prefix !== 32)
        .map((cidr) => ({ ...cidr, base: cidr.base + BigInt(9 + n), prefix: cidr.family === 4 ? 32 : 128 }))
      to[1] = { ...to[1], podCIDRs: [...to[1].podCIDRs, ...borrowed] }
    }
    const { networkType, tunnel } = sketch
    const families = new Set(sketch.families)
    return [
      name,
      { name, networkType, tunnel, families, bridge, local, networks, nodes: new Map(nodes), strangers: new Map() },
    ]
  })
  return new Map(clusters)
}

const sketch: fc.Arbitrary<ClusterSketch> = fc
  .record({
    networkType: fc.constantFrom('p2p', 'gateway'),
    tunnel: fc.constantFrom('vxlan', 'wireguard', 'ipsec'),
    families: fc.constantFrom<readonly (4 | 6)[]>([4], [6], [4, 6]),
    nodes: fc.integer({ min: 1, max: 5 }),
    gateways: fc.integer({ min: 0, max: 4 }),
    overlapping: fc.boolean(),
    prefix: fc.integer({ min: 16, max: 22 }),
    borrowed: fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 2 }),
  })
  .map((one) => ({ ...one, gateways: one.networkType === 'gateway' ? Math.max(1, one.gateways) : one.gateways }))

export const networks: fc.Arbitrary<LinkNetwork> = fc.array(sketch, { minLength: 2, maxLength: 4 }).map(buildNetwork)
