import { type ClusterLinkOptions, clusterNodeName, type NodeConfigStatus, rotateKeysAnnotation } from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'
import { isReady } from '../../discover/node.ts'
import type { LinkCluster, LinkNode } from '../../model/network.ts'
import { bridgeOverlay } from '../../plan/addresses.ts'
import type { Pair } from '../../plan/pairs.ts'
import { isEdge } from '../../plan/roles.ts'
import { type RotatingNode, type Rotation, rotationOf } from '../../plan/rotation.ts'
import type { LinkState } from '../link-state.ts'
import type { Member } from '../members/member.ts'
import type { StoredClusterNode, StoredNodeConfig } from '../resources.ts'

type NextKeys = NonNullable<NonNullable<NodeConfigStatus['keys']>['next']>

/** Which keys the nodes of a cluster are to be asked for now. */
export function rotationIn(
  state: LinkState,
  cluster: StoredCluster,
  member: Member,
  own: LinkCluster | undefined,
  pairs: readonly Pair[],
): Rotation {
  const { name } = cluster.metadata
  const nodes = member.nodes().filter(isReady)
  const ready = new Set(nodes.map(({ metadata }) => metadata.name))
  const peerConfig = (target: string, node: string) =>
    state.members.get(target)?.nodeConfig(clusterNodeName(target, node))
  const rotating = state.nodesOf(name).map((known): RotatingNode => {
    const config = member.nodeConfig(known.metadata.name)
    const node = own?.nodes.get(known.spec.nodeName)
    return {
      name: known.spec.nodeName,
      knownSince: Date.parse(known.metadata.creationTimestamp ?? ''),
      asked: config?.spec.keys,
      said: config?.status?.keys,
      demandedAt: laterOf(demandOn(cluster), demandOn(known)),
      isThere: config?.status !== undefined && ready.has(known.spec.nodeName),
      isKnown: (next) => !own || !node || !config || isKnownByAll({ own, node, config, pairs, peerConfig }, next),
    }
  })
  return rotationOf(rotating, maxAgeOf(cluster.spec.clusterLinkOptions), Date.now())
}

interface KnownFacts {
  readonly own: LinkCluster
  readonly node: LinkNode
  /** Of the node itself. */
  readonly config: StoredNodeConfig
  readonly pairs: readonly Pair[]
  /** What a node of another cluster has; undefined: it cannot be asked. */
  readonly peerConfig: (cluster: string, node: string) => StoredNodeConfig | undefined
}

/** Whether everybody who encrypts for a node has its next keys. Who does not answer it has nothing to lose. */
export function isKnownByAll({ own, node, config, pairs, peerConfig }: KnownFacts, next: NextKeys): boolean {
  if (!isEdge(own, node)) return true
  const silent = new Set((config.status?.nextHops ?? []).flatMap((hop) => (hop.reachable ? [] : [hop.address])))
  return pairs
    .filter(({ tunnel }) => tunnel !== 'vxlan')
    .every(({ target, edges }) =>
      edges.every((edge) => {
        const { ip, ip6 } = bridgeOverlay(target, edge)
        const isSilent = [ip, ip6].some((address) => address !== undefined && silent.has(address))
        return isSilent || hasNext(peerConfig(target.name, edge.name), node, next)
      }),
    )
}

function hasNext(config: StoredNodeConfig | undefined, node: LinkNode, next: NextKeys): boolean {
  if (config === undefined) return false
  const { metadata, spec, status } = config
  const { peers = [], ipsecPeers = [] } = spec
  const wanted = [
    ...peers
      .filter(({ publicKey }) => publicKey === node.publicKey)
      .map(({ nextPublicKey }) => nextPublicKey === next.wireGuard),
    ...ipsecPeers
      .filter(({ publicKey }) => publicKey === node.ipsecPublicKey)
      .map(({ nextPublicKey }) => nextPublicKey === next.ipsec),
  ]
  // Who encrypts for nobody by the present key, or not yet, loses nothing with it.
  if (wanted.length === 0) return true
  return wanted.every(Boolean) && (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

/** Hours, as the schema has them. */
const maxAgeOf = (options: ClusterLinkOptions | undefined): number | undefined =>
  options?.keyRotation === undefined ? undefined : Number.parseInt(options.keyRotation, 10) * 3_600_000

const demandOn = ({ metadata }: StoredCluster | StoredClusterNode): string | undefined => {
  const demanded = metadata.annotations?.[rotateKeysAnnotation]
  const time = Date.parse(demanded ?? '')
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

const laterOf = (a: string | undefined, b: string | undefined): string | undefined =>
  a !== undefined && b !== undefined && Date.parse(a) < Date.parse(b) ? b : (a ?? b)
