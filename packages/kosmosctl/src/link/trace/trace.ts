import { devices, pairsOf, type TunnelHop } from '@kosmos/cluster-link'
import { contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import { type HopState, type LinkView, nextHopOf, stateOf } from '../network/view.ts'
import type { Growth } from './count/growth.ts'
import { type HopCount, hopCount } from './count/verdict.ts'
import type { End } from './end.ts'

/** A hop, and whether it answers the node before it. */
export interface TracedHop extends TunnelHop {
  readonly isEncrypted: boolean
  readonly state: HopState
  readonly since?: string
  readonly roundTripMicroseconds?: number
  readonly lossPercent?: number
  /** What the kernels of both nodes have counted, if they were asked. */
  readonly counted?: HopCount
}

/** One direction. */
export interface Leg {
  /** Addresses as the sender, and as the receiver has them. */
  readonly sent: { readonly source: string; readonly target: string }
  readonly received?: { readonly source: string; readonly target: string }
  readonly hops: readonly TracedHop[]
  readonly arrivedAt?: string
  /** What is in the way: that no way is foreseen, or the first hop that does not answer. */
  readonly why?: string
  /** Index of the hop that packets do not pass. */
  readonly stopsAt?: number
}

export interface Trace {
  readonly from: End
  readonly to: End
  readonly families: readonly { readonly family: 4 | 6; readonly there: Leg; readonly back: Leg }[]
}

/** The way of packets from one pod to another and of the answers, in each family that both have. Pure. */
export function traceWay(view: LinkView, from: End, to: End): Trace {
  const families = ([4, 6] as const).flatMap((family) => {
    const [source, target] = [addressOf(from, family), addressOf(to, family)]
    if (source === undefined || target === undefined) return []
    return [{ family, there: leg(view, from, source, to, target), back: leg(view, to, target, from, source) }]
  })
  return { from, to, families }
}

/** The nodes that packets pass, both ways. */
export function placesOf({ families }: Trace): Set<string> {
  return new Set(
    families.flatMap(({ there, back }) => [...there.hops, ...back.hops]).flatMap(({ from, to }) => [from, to]),
  )
}

/** The same, with what the nodes have counted. Pure. */
export function withCounts(trace: Trace, view: LinkView, growths: ReadonlyMap<string, Growth>): Trace {
  const counted = (leg: Leg): Leg => ({
    ...leg,
    hops: leg.hops.map((hop) => ({ ...hop, counted: hopCount(view, hop, (place) => growths.get(place)) })),
  })
  return {
    ...trace,
    families: trace.families.map(({ family, there, back }) => ({ family, there: counted(there), back: counted(back) })),
  }
}

const addressOf = ({ addresses }: End, family: 4 | 6): string | undefined =>
  addresses.find((address) => address.includes(':') === (family === 6))

function leg(view: LinkView, from: End, source: string, to: End, target: string): Leg {
  const known = from.cluster === to.cluster ? target : knownAs(view, from.cluster, to.cluster, target)
  const sent = { source, target: known ?? target }
  if (to.hostNetwork) {
    return { sent, hops: [], why: `${to.name} is in the network of its node, and only pods and Services are linked` }
  }
  const policies = view.facts.network.get(from.cluster)?.strangers.get(to.cluster)
  if (policies) {
    const why = `${from.cluster} and ${to.cluster} are not allowed to talk by ClusterLinkPolicy ${policies.join(', ')}`
    return { sent, hops: [], why }
  }
  if (known === undefined) {
    const why = `${from.cluster} does not reach ${target} of ${to.cluster}: the network is not known, or another one hides it`
    return { sent, hops: [], why }
  }
  const trip = view.forwarding.send(`${from.cluster}/${from.node}`, from.hostNetwork ? undefined : source, known)
  const hops = trip.hops.map((hop) => traced(view, hop))
  const stop = hops.findIndex(({ state }) => state === 'down')
  const bad = hops[stop]
  const arrived = trip.arrivedAt === undefined ? {} : { arrivedAt: trip.arrivedAt }
  return {
    sent,
    ...(trip.arrivedAt !== undefined && { received: { source: trip.source, target: trip.target } }),
    hops,
    ...arrived,
    ...(trip.lost !== undefined && { why: trip.lost }),
    ...(bad && { why: `${bad.to} does not answer ${bad.from} through ${bad.dev}`, stopsAt: stop }),
  }
}

function traced(view: LinkView, hop: TunnelHop): TracedHop {
  const said = nextHopOf(view.configs.get(hop.from), hop.nextHop)
  return {
    ...hop,
    isEncrypted: hop.dev === devices.secure.name,
    state: stateOf(said),
    ...(said && { since: said.since }),
    ...(said?.roundTripMicroseconds !== undefined && { roundTripMicroseconds: said.roundTripMicroseconds }),
    ...(said?.lossPercent !== undefined && { lossPercent: said.lossPercent }),
  }
}

/** The address by which one cluster knows a pod of another one. */
function knownAs({ facts: { network } }: LinkView, viewer: string, target: string, address: string) {
  const cluster = network.get(viewer)
  const pair = cluster && pairsOf(network, cluster).find((one) => one.target.name === target)
  const one = parseCidr(address)
  const seen = pair?.visible.find(({ kind, local }) => kind === 'Pod' && contains(local, one))
  return seen && formatAddress(one.family, translate(one, seen.local, seen.global).base)
}
