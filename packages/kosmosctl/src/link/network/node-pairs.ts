import { pairsOf, podNetworksOf } from '@kosmos/cluster-link'
import { formatAddress } from '@kosmos/kube/addresses'
import { type HopState, type LinkView, nextHopOf, stateOf } from './view.ts'

/** From one node to the pods of another one, by the way that packets take now. */
export interface NodePairState {
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly path: readonly string[]
  readonly state: HopState | 'none'
  /** What is in the way. */
  readonly why?: string
  readonly roundTripMicroseconds?: number
  readonly lossPercent?: number
  readonly mtu?: number
}

/** Every ordered pair of nodes of different clusters, for each family in which the second one has pods. */
export function nodePairStates(view: LinkView): NodePairState[] {
  const { network } = view.facts
  return [...network.values()].flatMap((cluster) =>
    pairsOf(network, cluster).flatMap((pair) =>
      [...cluster.nodes.values()].flatMap((node) =>
        [...pair.target.nodes.values()].flatMap((other) => {
          const networks = podNetworksOf(other, pair.visible)
          const families = new Map(networks.map((cidr) => [cidr.family, cidr]))
          return [...families.values()].map(({ family, base }) =>
            nodePairState(view, `${cluster.name}/${node.name}`, `${pair.target.name}/${other.name}`, family, base),
          )
        }),
      ),
    ),
  )
}

function nodePairState(view: LinkView, from: string, to: string, family: 4 | 6, base: bigint): NodePairState {
  const trip = view.forwarding.send(from, undefined, formatAddress(family, base + 1n))
  const said = trip.hops.map((hop) => ({ hop, status: nextHopOf(view.configs.get(hop.from), hop.nextHop) }))
  const bad = said.find(({ status }) => stateOf(status) !== 'up')
  const state = trip.lost ? 'none' : bad ? stateOf(bad.status) : 'up'
  const why =
    trip.lost ?? (bad && `${bad.hop.to} ${state === 'down' ? 'does not answer' : 'was not asked by'} ${bad.hop.from}`)
  const mtus = trip.hops.flatMap(({ mtu }) => mtu ?? [])
  return {
    from,
    to,
    family,
    path: trip.path,
    state,
    ...(why !== undefined && { why }),
    ...(state === 'up' && {
      roundTripMicroseconds: said.reduce((sum, { status }) => sum + (status?.roundTripMicroseconds ?? 0), 0),
      lossPercent: Math.max(0, ...said.map(({ status }) => status?.lossPercent ?? 0)),
    }),
    ...(mtus.length > 0 && { mtu: Math.min(...mtus) }),
  }
}
