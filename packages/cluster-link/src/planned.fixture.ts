import assert from 'node:assert/strict'
import type { NodeConfigSpec } from '@kosmos/api'
import { type Cidr, formatCidr, nthAddress } from '@kosmos/kube/addresses'
import { loadIpsecKey } from './agent/ipsec/key.ts'
import { type Host, hostOf, type Network, startNetwork } from './agent/network.fixture.ts'
import { loadKeyPair } from './agent/wireguard/key.ts'
import type { LinkCluster, LinkNetwork } from './model/network.ts'
import { pairsOf } from './plan/pairs.ts'
import { planNode } from './plan/plan-node.ts'

/** A host for each node of planned networks, with a pod. */
export interface PlannedHosts {
  readonly network: Network
  /** By the name of the host, see {@link placeOf}. */
  readonly podOn: ReadonlyMap<string, Host>
}

export const placeOf = (cluster: string, node: string): string => `${cluster}${node}`
/** The address of a pod in the network of its node. */
export const addressIn = (cidr: Cidr): string => nthAddress(cidr, 5n)

/**
 * Hosts for networks that have the same nodes; pods have the addresses that they have in any of them.
 * @param bare clusters whose pods, and the routes to them, are left to a network plug-in
 */
export async function startPlanned(
  built: readonly LinkNetwork[],
  bare: ReadonlySet<string> = new Set(),
): Promise<PlannedHosts> {
  const [first] = built
  assert.ok(first)
  const nodes = [...first.values()].flatMap(({ name, nodes }) =>
    [...nodes.values()].map((node) => ({ cluster: name, node })),
  )
  const network = await startNetwork(
    Object.fromEntries(nodes.map(({ cluster, node }) => [placeOf(cluster, node.name), [`${node.ip}/6`]])),
  )
  const podOn = new Map<string, Host>()
  for (const { cluster, node } of nodes.filter((one) => !bare.has(one.cluster))) {
    const host = hostOf(network, placeOf(cluster, node.name))
    const cidrsOf = (name: string) => built.flatMap((one) => one.get(cluster)?.nodes.get(name)?.podCIDRs ?? [])
    podOn.set(host.name, await network.pod(host, `pod-${host.name}`, cidrsOf(node.name).map(addressIn)))
    // As a network plug-in routes between the nodes of its cluster; here IPv6 by the address of the link.
    for (const other of nodes.filter((one) => one.cluster === cluster && one.node !== node)) {
      const there = hostOf(network, placeOf(cluster, other.node.name))
      const linkLocal = (await there.sh("ip -6 -o address show dev eth0 scope link | awk '{print $4}'")).split('/')[0]
      for (const cidr of cidrsOf(other.node.name)) {
        const via = cidr.family === 4 ? other.node.ip : `${linkLocal} dev eth0`
        await host.sh(`ip route add ${formatCidr(cidr)} via ${via}`)
      }
    }
  }
  return { network, podOn }
}

/** The same network with the keys that the hosts have. */
export async function withKeys(hostAt: (place: string) => Host, link: LinkNetwork): Promise<LinkNetwork> {
  const keyed = await Promise.all(
    [...link.values()].map(async (cluster): Promise<[string, LinkCluster]> => {
      const nodes = await Promise.all(
        [...cluster.nodes.values()].map(async (node) => {
          const { stateDir } = hostAt(placeOf(cluster.name, node.name))
          const { publicKey } = await loadKeyPair(stateDir)
          const ipsecPublicKey = (await loadIpsecKey(stateDir)).publicKey
          return [node.name, { ...node, publicKey, ipsecPublicKey }] as const
        }),
      )
      return [cluster.name, { ...cluster, nodes: new Map(nodes) }]
    }),
  )
  return new Map(keyed)
}

/** The NodeConfig of each host; `byGateways`: networks of pods that gateways translate, of each cluster. */
export function plansOf(
  link: LinkNetwork,
  byGateways?: (cluster: LinkCluster) => ReadonlySet<string>,
): Map<string, NodeConfigSpec> {
  const plans = [...link.values()].flatMap((cluster) => {
    const pairs = pairsOf(link, cluster)
    return [...cluster.nodes.values()].map((node): [string, NodeConfigSpec] => [
      placeOf(cluster.name, node.name),
      planNode(cluster, node, pairs, byGateways?.(cluster)),
    ])
  })
  return new Map(plans)
}
