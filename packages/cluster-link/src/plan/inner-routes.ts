import { formatCidr } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { bridgeOverlay } from './addresses.ts'
import { type Pair, spokenIn } from './pairs.ts'
import { type Hop, type Routes, routeKey, routesVia } from './routes.ts'
import { senderGroup } from './shares.ts'

/** By which device an internal node reaches each gateway of its own cluster, with the overlay addresses there. */
type OwnHops = ReadonlyMap<LinkNode, Hop>

/** By which devices nodes reach their gateways, and who sends by which of them first. */
const ofAll = oncePer((_: readonly Pair[]) => new Map<string, Routes>())
const ofPair = oncePer((_: Pair) => new Map<string, Routes>())

/** Those of an internal node to all other clusters. Nodes that send by the same gateways have the same ones. */
export function innerRoutes(cluster: LinkCluster, node: LinkNode, pairs: readonly Pair[], hops: OwnHops): Routes {
  const key = `${senderGroup(cluster, node)} ${[...hops].map(([{ name }, { dev }]) => `${name} ${dev}`).join()}`
  const before = ofAll(pairs).get(key)
  if (before) return before
  const via = (pair: Pair, family: 4 | 6) => pair.ownShares.ofNode(node, family).flatMap((one) => hops.get(one) ?? [])
  const all = pairs.flatMap((pair) => routesOf(pair, { 4: via(pair, 4), 6: via(pair, 6) }))
  const routes = [...new Map(all)].sort(([a], [b]) => (a < b ? -1 : 1))
  ofAll(pairs).set(key, routes)
  return routes
}

/** The next hops of an internal node to another cluster, by family. */
type Hops = Readonly<Record<4 | 6, readonly Hop[]>>

function routesOf(pair: Pair, via: Hops): Routes {
  const hops = [...via[4], ...via[6]].map(({ overlay: { ip, ip6 }, dev }) => `${ip} ${ip6} ${dev}`).join()
  const before = ofPair(pair).get(hops)
  if (before) return before
  const routes = [...new Map([...routesTo(pair, via)].map((route) => [routeKey(route), route] as const))]
  ofPair(pair).set(hops, routes)
  return routes
}

/** To what is reached of the cluster, and to its edges' own addresses, as answers need it. */
function* routesTo(pair: Pair, via: Hops) {
  for (const { global } of pair.visible) yield* routesVia(formatCidr(global), global.family, via[global.family])
  for (const edge of pair.edges) {
    const { ip, ip6 } = spokenIn(pair, bridgeOverlay(pair.target, edge))
    if (ip) yield* routesVia(`${ip}/32`, 4, via[4])
    if (ip6) yield* routesVia(`${ip6}/128`, 6, via[6])
  }
}
