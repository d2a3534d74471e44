import type { LinkCluster, LinkNetwork, LinkNode, Tunnel } from '../model/network.ts'
import { edgesOf, tunnelBetween } from './roles.ts'

/** Two nodes with one key: who encrypts for it reaches one of them only, and nobody knows which. */
export interface SharedKey {
  readonly cluster: string
  readonly node: string
  readonly otherCluster: string
  readonly otherNode: string
}

const keyOf: Readonly<Record<Tunnel, (node: LinkNode) => string | undefined>> = {
  vxlan: () => undefined,
  wireguard: ({ publicKey }) => publicKey,
  ipsec: ({ ipsecPublicKey }) => ipsecPublicKey,
}

/** Nodes whose keys others encrypt for, and that have them in common with another such node. */
export function sharedKeys(network: LinkNetwork): SharedKey[] {
  const owners = new Map<string, { readonly cluster: string; readonly node: string }>()
  const found = new Map<string, SharedKey>()
  for (const cluster of network.values()) {
    for (const tunnel of tunnelsOf(network, cluster)) {
      for (const node of edgesOf(cluster)) {
        const key = keyOf[tunnel](node)
        if (key === undefined) continue
        const owner = owners.get(key)
        if (owner === undefined) owners.set(key, { cluster: cluster.name, node: node.name })
        else {
          const shared = { ...owner, otherCluster: cluster.name, otherNode: node.name }
          found.set(Object.values(shared).join(' '), shared)
        }
      }
    }
  }
  return [...found.values()]
}

/** The tunnels that a cluster has to those with which it talks, each once. */
const tunnelsOf = (network: LinkNetwork, cluster: LinkCluster): Set<Tunnel> =>
  new Set(
    [...network.values()]
      .filter((other) => other !== cluster && !cluster.strangers.has(other.name))
      .map((other) => tunnelBetween(cluster, other)),
  )
