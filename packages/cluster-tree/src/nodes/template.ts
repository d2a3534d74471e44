import { isIP } from 'node:net'
import {
  type ClusterTreeOptions,
  clusterLabel,
  emptyShapesAnnotation,
  freeShapesAnnotation,
  largestPodAnnotation,
  leafIdAnnotation,
  leafNodeModeAnnotation,
  leafNodeModes,
  nodeCarriesAnnotation,
  nodeLabel,
  nodeTaint,
  ownedByClusterAnnotation,
  placementPriorityAnnotation,
  type VirtualNodeModel,
} from '@kosmos/api'
import { formatResources, type Node } from '@kosmos/kube'
import type { Offer } from './capacity.ts'
import { sameTaint, stampOf } from './carried-identity.ts'
import { type LeafHealth, nodeConditions, type Pressure } from './conditions.ts'
import { declaredFeatures } from './declared-features.ts'
import type { FreeRoom } from './free-shapes.ts'
import type { WatchedNode } from './watched-node.ts'

type NodeSpec = NonNullable<Node['spec']>
export type NodeTaint = ClusterTreeOptions['nodeTaint']
type Taint = NonNullable<NodeSpec['taints']>[number]
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

/** The leaf nodes that a virtual node stands for, and what is left in them. */
export interface Members {
  /** What they have in common becomes labels. */
  readonly members: readonly Node[]
  readonly room?: FreeRoom
  /** What would be left in them if none of the root's pods were there. */
  readonly empty?: FreeRoom['shapes']
  readonly taint?: NodeTaint
  readonly priority?: number
}

/** The node that a model describes. */
export function virtualNode(
  { name, kind, model }: VirtualNodeModel,
  { clusterName, leafId }: LeafName,
  { members, room, empty, taint = 'NoSchedule', priority = 0 }: Members,
): VirtualNodeManifest {
  const { operatingSystem, architecture } = commonNodeInfo(members)
  const only = kind === 'node' ? members[0] : undefined
  const labels = {
    ...(only && labelsOfLeafNode(only)),
    'kubernetes.io/role': 'agent',
    // Nothing listens on node ports here, so load balancers of the root must not send traffic.
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
    ...(operatingSystem && { 'kubernetes.io/os': operatingSystem, 'beta.kubernetes.io/os': operatingSystem }),
    ...(architecture && { 'kubernetes.io/arch': architecture, 'beta.kubernetes.io/arch': architecture }),
    ...commonLabels(members),
    ...model.labels,
    [nodeLabel]: 'true',
    [clusterLabel]: clusterName,
    'kubernetes.io/hostname': name,
  }
  const taints = distinct([...taintOf(taint), ...(model.taints ?? []), ...(only ? taintsOfLeafNode(only) : [])])
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels,
      annotations: {
        [ownedByClusterAnnotation]: clusterName,
        [leafIdAnnotation]: leafId,
        [leafNodeModeAnnotation]: leafNodeModes[kind],
        [nodeCarriesAnnotation]: stampOf(labels, taints),
        // Also where nobody has said: an annotation that had another value goes no other way.
        [placementPriorityAnnotation]: String(priority),
        ...(room && {
          [freeShapesAnnotation]: JSON.stringify(room.shapes),
          [largestPodAnnotation]: JSON.stringify(room.largest ?? {}),
        }),
        ...(empty && { [emptyShapesAnnotation]: JSON.stringify(empty) }),
      },
    },
    spec: { taints },
  }
}

/** None for a Cluster whose virtual nodes take every pod. */
function taintOf(effect: NodeTaint): Taint[] {
  return effect === 'None' ? [] : [{ ...nodeTaint, effect }]
}

/** Its role in the leaf is none in the root. */
function labelsOfLeafNode({ metadata: { labels = {} } }: Node): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith('node-role.kubernetes.io/')))
}

/** Without those that the root's own node lifecycle controller derives from conditions and from cordoning. */
function taintsOfLeafNode({ spec }: Node): Taint[] {
  return (spec?.taints ?? []).filter(({ key }) => !key.startsWith('node.kubernetes.io/'))
}

/** An API server refuses two taints of the same key and effect. */
function distinct(taints: readonly Taint[]): Taint[] {
  return taints.filter((taint, i) => taints.findIndex((other) => sameTaint(taint, other)) === i)
}

export interface VirtualNodeFacts {
  readonly model: Pick<VirtualNodeModel, 'name' | 'kind'>
  /** gitVersion of the leaf's API server. */
  readonly version: string
  readonly members: readonly Node[]
  readonly offer: Offer
  readonly health: LeafHealth
  readonly pressures: ReadonlySet<Pressure>
  /** Where the root's API server reaches the kubelet API; undefined until it listens. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined
  /** The node as it is in the root, whose times are kept for what did not change. */
  readonly present: WatchedNode | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The status of a virtual node, equal to the present one when nothing changed. */
export function virtualNodeStatus(facts: VirtualNodeFacts): NodeStatus {
  const { model, version, members, offer, health, pressures, endpoint, present, now } = facts
  // Schedulers prefer nodes that have a pod's images; a sum over many nodes would promise that of each.
  const images = model.kind === 'node' ? members[0]?.status?.images : undefined
  const features = declaredFeatures(members, version)
  return {
    capacity: { ...advertisedIn('capacity', present), ...formatResources(offer.capacity) },
    allocatable: { ...advertisedIn('allocatable', present), ...formatResources(offer.allocatable) },
    conditions: nodeConditions(health, pressures, present?.status?.conditions ?? [], now),
    addresses: [
      ...(endpoint ? [{ type: isIP(endpoint.address) ? 'InternalIP' : 'InternalDNS', address: endpoint.address }] : []),
      { type: 'Hostname', address: model.name },
    ],
    ...(endpoint && { daemonEndpoints: { kubeletEndpoint: { Port: endpoint.port } } }),
    nodeInfo: nodeInfo(model.kind, members, version),
    ...(images && { images }),
    // An API server does not keep an empty list.
    ...((features.length > 0 || present?.status?.declaredFeatures) && { declaredFeatures: features }),
  }
}

/** What others advertise on the node stays, as a kubelet leaves it, unless the leaf has some of its own. */
function advertisedIn(list: 'capacity' | 'allocatable', present: WatchedNode | undefined): Record<string, string> {
  const amounts = present?.status?.[list] ?? {}
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => present?.advertised?.includes(name)))
}

function nodeInfo(kind: VirtualNodeModel['kind'], members: readonly Node[], version: string): NodeInfo {
  const only = kind === 'node' ? members[0]?.status?.nodeInfo : undefined
  return only ?? { ...commonNodeInfo(members), kubeletVersion: version }
}

const derivedLabels = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'node.kubernetes.io/instance-type',
]

/** Region, zone and instance type, as far as all leaf nodes have the same. */
function commonLabels(leafNodes: readonly Node[]): Record<string, string> {
  const labels = derivedLabels.map((label) => [label, common(leafNodes, ({ metadata }) => metadata.labels?.[label])])
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
