import { linkGatewayLabel } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { isReady } from '../discover/node.ts'
import { byRendezvous } from '../plan/rendezvous.ts'

/** So many are chosen if nobody says which nodes are gateways. */
const CHOSEN = 2

/** Who works, and who comes last because it will be away or seems to be. */
export interface Gateways {
  readonly active: ReadonlySet<string>
  readonly standby: ReadonlySet<string>
}

const isStaying = (node: Node): boolean =>
  isReady(node) && node.spec?.unschedulable !== true && node.metadata.deletionTimestamp === undefined

/**
 * The gateways of a cluster. Those that its owner labelled; in gateway mode without labels, two that are Ready and not
 * cordoned, and who is one stays one. A gateway that is cordoned or not Ready, or whose agent is silent, stands by: nobody sends by it who has another
 * one, and what is on its way to it still passes, since nodes do not all hear of it at once, and a kubelet that is away
 * does not mean that packets do not pass. @param silent nodes whose agents are: nobody knows whether packets pass them
 */
export function electGateways(
  cluster: { readonly name: string; readonly networkType: 'p2p' | 'gateway' },
  nodes: readonly Node[],
  current: Gateways,
  silent: ReadonlySet<string> = new Set(),
): Gateways {
  const steady = new Set(named(nodes.filter(isStaying)))
  const heard = steady.difference(silent)
  // If nobody is heard of, it is more likely our view than the agents.
  const staying = heard.size > 0 ? heard : steady
  const labelled = new Set(named(nodes.filter(({ metadata: { labels } }) => labels?.[linkGatewayLabel] === 'true')))
  if (labelled.size > 0) return split(labelled, staying)
  if (cluster.networkType === 'p2p') return { active: new Set(), standby: new Set() }
  const known = new Set(named(nodes))
  const before = current.active.union(current.standby).intersection(known)
  // All away at once is more likely our view than the nodes.
  if (staying.size === 0) return { active: before, standby: new Set() }
  const kept = [...current.active.intersection(staying)].sort()
  const others = byRendezvous(cluster.name, staying).filter((name) => !current.active.has(name))
  return { active: new Set([...kept, ...others].slice(0, CHOSEN)), standby: before.difference(staying) }
}

const named = (nodes: readonly Node[]): string[] => nodes.map(({ metadata }) => metadata.name)

function split(gateways: ReadonlySet<string>, staying: ReadonlySet<string>): Gateways {
  const active = gateways.intersection(staying)
  if (active.size === 0) return { active: gateways, standby: new Set() }
  return { active, standby: gateways.difference(staying) }
}
