import { linkGatewayLabel } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { byRendezvous } from '../plan/rendezvous.ts'

/** One works, one stands by, if nobody says which nodes are gateways. */
const CHOSEN = 2

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

const isStaying = (node: Node): boolean =>
  isReady(node) && node.spec?.unschedulable !== true && node.metadata.deletionTimestamp === undefined

/**
 * The gateways of a cluster. Those that its owner labelled, as far as they are Ready, or all of them if none is: a kubelet
 * that is away does not mean that packets do not pass. In gateway mode without labels, two that are Ready and not
 * cordoned; who is one stays one.
 */
export function electGateways(
  cluster: { readonly name: string; readonly networkType: 'p2p' | 'gateway' },
  nodes: readonly Node[],
  current: ReadonlySet<string>,
): Set<string> {
  const named = (some: readonly Node[]) => some.map(({ metadata }) => metadata.name)
  const labelled = nodes.filter(({ metadata: { labels } }) => labels?.[linkGatewayLabel] === 'true')
  if (labelled.length > 0) {
    const ready = labelled.filter(isStaying)
    return new Set(named(ready.length > 0 ? ready : labelled))
  }
  if (cluster.networkType === 'p2p') return new Set()
  const staying = new Set(named(nodes.filter(isStaying)))
  // All away at once is more likely our view than the nodes.
  if (staying.size === 0) return new Set(named(nodes).filter((name) => current.has(name)))
  const kept = [...staying].filter((name) => current.has(name)).sort()
  const others = byRendezvous(cluster.name, staying).filter((name) => !current.has(name))
  return new Set([...kept, ...others].slice(0, CHOSEN))
}
