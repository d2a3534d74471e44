import { isIP } from 'node:net'
import {
  clusterLabel,
  leafIdAnnotation,
  leafNodeModeAnnotation,
  leafNodeModes,
  nodeLabel,
  nodeTaint,
  ownedByClusterAnnotation,
} from '@kosmos/api'
import { formatResources, type Node } from '@kosmos/kube'
import type { Offer } from './capacity.ts'
import { type LeafHealth, nodeConditions } from './conditions.ts'

type NodeSpec = NonNullable<Node['spec']>
type NodeStatus = NonNullable<Node['status']>
type NodeInfo = NonNullable<NodeStatus['nodeInfo']>

/** A virtual node as we write it. Its status is written apart, see {@link virtualNodeStatus}. */
export interface VirtualNodeManifest {
  readonly apiVersion: 'v1'
  readonly kind: 'Node'
  readonly metadata: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: Pick<NodeSpec, 'taints'>
}

/** The leaf that a virtual node stands for. */
export interface LeafName {
  readonly clusterName: string
  /** uid of the leaf's kube-system namespace. */
  readonly leafId: string
}

/** The node that stands for a Cluster. `leafNodes`: those that it stands for; what they have in common becomes its labels. */
export function virtualNode(
  name: string,
  { clusterName, leafId }: LeafName,
  leafNodes: readonly Node[],
): VirtualNodeManifest {
  const { operatingSystem, architecture } = commonNodeInfo(leafNodes)
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [nodeLabel]: 'true',
        [clusterLabel]: clusterName,
        'kubernetes.io/role': 'agent',
        'kubernetes.io/hostname': name,
        // Nothing listens on node ports here, so load balancers of the root must not send traffic.
        'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
        ...(operatingSystem && { 'kubernetes.io/os': operatingSystem, 'beta.kubernetes.io/os': operatingSystem }),
        ...(architecture && { 'kubernetes.io/arch': architecture, 'beta.kubernetes.io/arch': architecture }),
        ...commonLabels(leafNodes),
      },
      annotations: {
        [ownedByClusterAnnotation]: clusterName,
        [leafIdAnnotation]: leafId,
        [leafNodeModeAnnotation]: leafNodeModes.cluster,
      },
    },
    spec: { taints: [nodeTaint] },
  }
}

export interface VirtualNodeFacts {
  readonly name: string
  /** gitVersion of the leaf's API server. */
  readonly version: string
  readonly leafNodes: readonly Node[]
  readonly offer: Offer
  readonly health: LeafHealth
  /** Where the root's API server reaches the kubelet API; undefined until it listens. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined
  /** The node as it is in the root, whose times are kept for what did not change. */
  readonly present: Node | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The status of a virtual node, equal to the present one when nothing changed. */
export function virtualNodeStatus(facts: VirtualNodeFacts): NodeStatus {
  const { name, version, leafNodes, offer, health, endpoint, present, now } = facts
  return {
    capacity: formatResources(offer.capacity),
    allocatable: formatResources(offer.allocatable),
    conditions: nodeConditions(health, present?.status?.conditions ?? [], now),
    addresses: [
      ...(endpoint ? [{ type: isIP(endpoint.address) ? 'InternalIP' : 'InternalDNS', address: endpoint.address }] : []),
      { type: 'Hostname', address: name },
    ],
    ...(endpoint && { daemonEndpoints: { kubeletEndpoint: { Port: endpoint.port } } }),
    nodeInfo: { ...commonNodeInfo(leafNodes), kubeletVersion: version },
  }
}

const topologyLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']

/** Region and zone, as far as all leaf nodes are in the same. */
function commonLabels(leafNodes: readonly Node[]): Record<string, string> {
  const labels = topologyLabels.map((label) => [label, common(leafNodes, ({ metadata }) => metadata.labels?.[label])])
  return Object.fromEntries(labels.filter(([, value]) => value))
}

/** The fields in which all leaf nodes agree; the others are empty, as the API demands them all. */
function commonNodeInfo(leafNodes: readonly Node[]): NodeInfo {
  const field = (key: 'operatingSystem' | 'architecture' | 'kernelVersion' | 'osImage' | 'containerRuntimeVersion') =>
    common(leafNodes, ({ status }) => status?.nodeInfo?.[key]) ?? ''
  return {
    operatingSystem: field('operatingSystem'),
    architecture: field('architecture'),
    kernelVersion: field('kernelVersion'),
    osImage: field('osImage'),
    containerRuntimeVersion: field('containerRuntimeVersion'),
    kubeletVersion: '',
    kubeProxyVersion: '',
    machineID: '',
    systemUUID: '',
    bootID: '',
  }
}

/** The value that all nodes have, undefined if they differ or there are none. */
function common(leafNodes: readonly Node[], read: (node: Node) => string | undefined): string | undefined {
  const [first] = leafNodes
  if (first === undefined) return undefined
  const value = read(first)
  return leafNodes.every((node) => read(node) === value) ? value : undefined
}
