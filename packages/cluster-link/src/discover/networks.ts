import type { ClusterLinkOptions } from '@kosmos/api'
import { type Cidr, contains, formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import type { SeenNetwork } from '../model/network.ts'
import { aggregate } from './aggregate.ts'
import { contradictionsIn } from './contradictions.ts'
import { calicoSays } from './sources/calico.ts'
import { borrowedFrom } from './sources/calico-blocks.ts'
import { ciliumSays } from './sources/cilium.ts'
import { nodesSay, serviceCIDRsSay } from './sources/kubernetes.ts'
import type { NetworkObjects } from './sources/objects.ts'
import { flannelSays, kubeadmSays, kubeProxySays } from './sources/settings.ts'
import { readNetworks, type Said, type Stated, saidBy } from './stated.ts'

/** The networks of a cluster as they were found out: sorted, each once. */
export interface FoundNetworks {
  readonly podCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
}

/** The same with where it is from. */
export interface Discovery extends FoundNetworks {
  /** The networks of the pods of single nodes, by their names; the fewest that have the same addresses, what is borrowed last. */
  readonly ofNodes: ReadonlyMap<string, readonly string[]>
  /** The sources whose word counts. */
  readonly podsFrom?: string
  readonly servicesFrom?: string
  /** What is no network, and what does not fit together, each with who says so. */
  readonly invalid: readonly string[]
  readonly contradictions: readonly string[]
  /** Nodes with more networks than there is room for, each with how many are left out. */
  readonly leftOut: readonly string[]
}

type Options = Pick<ClusterLinkOptions, 'podCIDRs' | 'serviceCIDRs' | 'cni' | 'globalCIDRsMap'>

/** What the status of a Cluster, and a ClusterNode, have room for. */
const MOST_NETWORKS = 256

/**
 * Asks the sources until one answers. For pods: what was said by hand, the network plug-in's own objects, the nodes, the
 * settings of kubeadm and of kube-proxy. For Services: by hand, the ServiceCIDR objects, the settings of kubeadm.
 */
export function foundNetworks(options: Options, objects: NetworkObjects): Discovery {
  const byHand = saidByHand(options)
  const ofNodes = nodesSay(objects.nodes)
  const plugIns = plugInsSay(options.cni, objects)
  const kubeadm = kubeadmSays(objects.configMaps)
  const pods = ask([byHand, ...plugIns, ofNodes, kubeadm, kubeProxySays(objects.configMaps)], (said) => said.pods)
  const services = ask([byHand, serviceCIDRsSay(objects.serviceCIDRs), kubeadm], (said) => said.services)
  const plugIn = plugIns.find((said) => said.pods.length > 0)
  const perNode = plugIn && plugIn.nodes.size > 0 ? plugIn : ofNodes
  const [podCIDRs, serviceCIDRs] = [pods.networks, services.networks].map(listed)
  const all = ofNodesIn(perNode)
  return {
    podCIDRs: podCIDRs?.slice(0, MOST_NETWORKS) ?? [],
    serviceCIDRs: serviceCIDRs?.slice(0, MOST_NETWORKS) ?? [],
    ofNodes: new Map(all.map(([node, networks]) => [node, networks.slice(0, MOST_NETWORKS)])),
    ...(pods.from && { podsFrom: pods.from.source }),
    ...(services.from && { servicesFrom: services.from.source }),
    invalid: [...new Set([...pods.asked, ...services.asked].flatMap((said) => said.invalid))],
    contradictions: contradictionsIn({
      byHand,
      mapped: readNetworks('globalCIDRsMap', Object.keys(options.globalCIDRsMap ?? {})).stated,
      plugIns,
      perNode,
      pods: pods.networks,
      services: services.networks,
    }),
    leftOut: all.flatMap(([node, { length }]) =>
      length > MOST_NETWORKS ? [`${length - MOST_NETWORKS} of ${length} of node ${node}`] : [],
    ),
  }
}

function saidByHand({ podCIDRs, serviceCIDRs }: Options): Said {
  const by = 'spec.clusterLinkOptions'
  const [pods, services] = [readNetworks(by, podCIDRs), readNetworks(by, serviceCIDRs)]
  return saidBy(by, {
    pods: pods.stated,
    services: services.stated,
    invalid: [...pods.invalid, ...services.invalid],
  })
}

/** The one that the Cluster names is asked first: a cluster may have objects of several. */
function plugInsSay(cni: string, objects: NetworkObjects): Said[] {
  const { ipPools, blockAffinities, ipamBlocks, ciliumNodes, configMaps, nodes } = objects
  const all = [
    { name: 'calico', said: calicoSays(ipPools, blockAffinities, borrowedFrom(ipamBlocks)) },
    { name: 'cilium', said: ciliumSays(ciliumNodes) },
    { name: 'flannel', said: flannelSays(configMaps, nodes) },
  ]
  const named = all.filter(({ name }) => name === cni)
  return [...named, ...all.filter((one) => !named.includes(one))].map(({ said }) => said)
}

interface Answer {
  readonly networks: readonly Stated[]
  readonly from: Said | undefined
  /** Up to the one that answered. */
  readonly asked: readonly Said[]
}

function ask(sources: readonly Said[], answer: (said: Said) => readonly Stated[]): Answer {
  const index = sources.findIndex((said) => answer(said).length > 0)
  const from = sources[index]
  return { networks: from ? answer(from) : [], from, asked: index < 0 ? sources : sources.slice(0, index + 1) }
}

/** As they stand in the sources, since others are mapped to them one to one; together where they would be too many. */
function listed(networks: readonly Stated[]): string[] {
  const distinct = new Set(networks.map(({ cidr }) => formatCidr(cidr)))
  if (distinct.size <= MOST_NETWORKS) return [...distinct].sort()
  return aggregate(networks.map(({ cidr }) => cidr)).map(formatCidr)
}

function ofNodesIn({ nodes, borrowed }: Said): (readonly [node: string, networks: string[]])[] {
  return [...new Set([...nodes.keys(), ...borrowed.keys()])].map((node) => {
    const own = (nodes.get(node) ?? []).map(({ cidr }) => cidr)
    return [node, [...aggregate(own), ...aggregate(borrowed.get(node) ?? [])].map(formatCidr)]
  })
}

/** Networks with the addresses by which other clusters know them. A mapping may be of a wider network than what it maps. */
export function seenNetworks(
  { podCIDRs, serviceCIDRs }: FoundNetworks,
  globalCIDRsMap: ClusterLinkOptions['globalCIDRsMap'] = {},
): SeenNetwork[] {
  const mappings = Object.entries(globalCIDRsMap).map(([from, to]): [Cidr, Cidr] => [parseCidr(from), parseCidr(to)])
  const seen = (kind: SeenNetwork['kind'], text: string): SeenNetwork => {
    const local = parseCidr(text)
    const mapping = mappings.find(([from]) => contains(from, local))
    return { kind, local, global: mapping ? translate(local, ...mapping) : local }
  }
  return [...podCIDRs.map((cidr) => seen('Pod', cidr)), ...serviceCIDRs.map((cidr) => seen('Service', cidr))]
}
