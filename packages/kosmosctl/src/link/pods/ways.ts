import { type LinkCluster, type LinkNetwork, type Pair, pairsOf } from '@kosmos/cluster-link'
import { contains, formatAddress, formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import { port } from './program.ts'

/** What is tried. */
export type Way = 'pod → pod' | 'node → pod' | 'pod → Service' | 'large packets' | 'throughput'

/** Somebody who answers: the pod on a node. */
export interface Responder {
  readonly cluster: string
  readonly node: string
  readonly addresses: readonly string[]
}

export interface Target {
  readonly way: Way
  /** `cluster/node`, or the cluster for its Service. */
  readonly to: string
  readonly family: 4 | 6
  readonly address: string
  readonly port?: number
  /** With a size, packets of it are sent that nobody may take apart. */
  readonly mtu?: number
  /** The networks that the callee should see a pod come from; nothing is expected of nodes. */
  readonly expected?: readonly string[]
}

/** By which addresses a pod and Services of the clusters are tried. */
export interface WaysFacts {
  readonly network: LinkNetwork
  readonly responders: readonly Responder[]
  /** Addresses of the check Service of a cluster. */
  readonly services: ReadonlyMap<string, readonly string[]>
  /** The MTU of the way from a node to an address, if there is one. */
  readonly mtuOf: (from: string, address: string) => number | undefined
}

/** What the pod on a node, and the node itself, try. Pure. */
export function targetsOf(from: Responder, facts: WaysFacts): { readonly pod: Target[]; readonly node: Target[] } {
  const viewer = facts.network.get(from.cluster)
  const pod: Target[] = []
  const node: Target[] = []
  const expected = viewer ? podNetworks(viewer) : []
  for (const pair of viewer ? pairsOf(facts.network, viewer) : []) {
    const isOf = ({ cluster }: Responder) => cluster === pair.target.name
    for (const responder of facts.responders.filter(isOf)) {
      const to = `${responder.cluster}/${responder.node}`
      for (const own of responder.addresses) {
        const address = seenFrom(pair, own)
        if (address === undefined) continue
        const family = familyOf(address)
        pod.push({ way: 'pod → pod', to, family, address, port, expected })
        node.push({ way: 'node → pod', to, family, address, port })
        const mtu = facts.mtuOf(`${from.cluster}/${from.node}`, address)
        if (mtu !== undefined) pod.push({ way: 'large packets', to, family, address, mtu })
      }
    }
    for (const own of facts.services.get(pair.target.name) ?? []) {
      const address = seenFrom(pair, own)
      if (address === undefined) continue
      pod.push({ way: 'pod → Service', to: pair.target.name, family: familyOf(address), address, port: 80 })
    }
  }
  return { pod, node }
}

/** Into what the pod on a node pours: one pod of each other cluster, in each family. Pure. */
export function throughputTargets(from: Responder, facts: WaysFacts): Target[] {
  const ways = targetsOf(from, facts).pod.filter(({ way }) => way === 'pod → pod')
  const first = Map.groupBy(ways, ({ to, family }) => `${to.split('/')[0]} ${family}`)
  return [...first.values()].flatMap(([target]) => {
    if (target === undefined) return []
    const { expected: _, ...rest } = target
    return [{ ...rest, way: 'throughput' }]
  })
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** The address by which another cluster knows one of the pair's target; undefined if it is not reached. */
function seenFrom({ visible }: Pair, address: string): string | undefined {
  const one = parseCidr(address)
  const network = visible.find(({ local }) => contains(local, one))
  return network && formatAddress(one.family, translate(one, network.local, network.global).base)
}

/** The networks of a cluster's pods, as others see them. */
function podNetworks({ networks }: LinkCluster): string[] {
  return networks.filter(({ kind }) => kind === 'Pod').map(({ global }) => formatCidr(global))
}
