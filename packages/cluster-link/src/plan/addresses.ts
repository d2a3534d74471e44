import { createHash } from 'node:crypto'
import { type Cidr, hostBits, nthAddress, parseCidr } from '@kosmos/kube/addresses'
import { secureCIDR } from '../model/names.ts'
import type { CidrPair, LinkCluster, LinkNode } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'

/** Numbers of nodes fit into the host bits of a /8; the first and the last are nobody's. */
const MAX_ID_BITS = 24

const secure = parseCidr(secureCIDR)

/** Overlay addresses of a node on one device. */
export interface Overlay {
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
}

const overlay = ({ families }: LinkCluster, { ip, ip6 }: CidrPair, { tunnelID }: LinkNode): Overlay => ({
  ...(ip && families.has(4) && { ip: nthAddress(ip, BigInt(tunnelID)) }),
  ...(ip6 && families.has(6) && { ip6: nthAddress(ip6, BigInt(tunnelID)) }),
})

/** Every edge of a network is in the plans of all the others, so what follows from a node is computed once for a cluster. */
function oncePerNode<T extends NonNullable<unknown>>(compute: (cluster: LinkCluster, node: LinkNode) => T) {
  const ofCluster = oncePer((cluster: LinkCluster) => oncePer((node: LinkNode) => compute(cluster, node)))
  return (cluster: LinkCluster, node: LinkNode): T => ofCluster(cluster)(node)
}

/** Between clusters. */
export const bridgeOverlay = oncePerNode((cluster, node): Overlay => overlay(cluster, cluster.bridge, node))

/** Between the nodes of a cluster and its gateways. */
export const localOverlay = oncePerNode((cluster, node): Overlay => overlay(cluster, cluster.local, node))

/** Where the encrypted tunnels of a node end. */
export const secureAddress = oncePerNode((_, { tunnelID }) => nthAddress(secure, BigInt(tunnelID)))

const macs = oncePerNode(() => new Map<string, string>())

/** Hardware address of a device: locally administered, the same whenever it is made anew. */
export function macOf(cluster: LinkCluster, node: LinkNode, device: string): string {
  const known = macs(cluster, node)
  const before = known.get(device)
  if (before !== undefined) return before
  const hash = createHash('sha256').update(`${cluster.name}\0${node.name}\0${device}`).digest('hex')
  const mac = `02:${hash.match(/../g)?.slice(0, 5).join(':')}`
  known.set(device, mac)
  return mac
}

/** How many numbers there are for nodes, as bits, when overlay addresses come from these networks. */
export function idBits(networks: readonly Cidr[]): number {
  return Math.min(MAX_ID_BITS, ...networks.map(hostBits))
}

/** Whether a number is that of a node: the first and the last address of a network are nobody's. */
export const isTunnelID = (id: number, bits: number): boolean => id > 0 && id < 2 ** bits - 1

/**
 * A number for a node that nobody has yet: the host bits of its address, as the original has it, else one by its name,
 * else the next free one. Undefined if all are taken.
 */
export function freeTunnelID(
  node: { readonly name: string; readonly ip?: string | undefined },
  taken: ReadonlySet<number>,
  bits: number,
): number | undefined {
  const size = 2 ** bits
  const wanted = node.ip
    ? Number(parseCidr(node.ip).base % BigInt(size))
    : createHash('sha256').update(node.name).digest().readUInt32BE() % size
  for (let i = 0; i < size; i++) {
    const id = (wanted + i) % size
    if (isTunnelID(id, bits) && !taken.has(id)) return id
  }
  return undefined
}
