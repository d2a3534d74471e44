import { hash } from 'node:crypto'
import { retiringTaint } from '@kosmos/api'
import {
  type CSIStorageCapacity,
  labelSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  parseQuantity,
  type StorageClass,
} from '@kosmos/kube'
import { isAvailable } from '../nodes/capacity.ts'

export interface Places {
  readonly virtualNodes: Iterable<Node>
  /** The root's volume of what it is to be a clone of, if it is. */
  readonly source?: PersistentVolume | undefined
  /** For the class of the claim; none: nothing is known. */
  readonly capacities: readonly CSIStorageCapacity[]
}

/** Whether volumes of a class are made before a pod needs them. Pure. */
export function isImmediate({ volumeBindingMode = 'Immediate' }: StorageClass): boolean {
  return volumeBindingMode === 'Immediate'
}

/**
 * The virtual node whose leaf makes a volume that no pod waits for: one that could take pods now, that the class allows, and whose
 * storage has room, by rendezvous hashing, so that all leaves come to the same answer without asking, and claims spread evenly.
 * If they do not know the same, the root's volume is made by the first, and by no other. Pure.
 */
export function nodeForImmediate(
  claim: PersistentVolumeClaim,
  { allowedTopologies }: StorageClass,
  { virtualNodes, source, capacities }: Places,
): Node | undefined {
  const candidates = [...virtualNodes].filter(
    (node) =>
      takesVolumes(node) &&
      isAllowed(node, allowedTopologies) &&
      isBeside(node, source) &&
      hasRoom(node, claim, capacities),
  )
  const weight = ({ metadata: { name } }: Node) => hash('sha1', `${claim.metadata.uid} ${name}`)
  return candidates.reduce<Node | undefined>(
    (best, node) => (best === undefined || weight(node) > weight(best) ? node : best),
    undefined,
  )
}

/** Whether new pods, and so new volumes, can go to a virtual node. Pure. */
export function takesVolumes(node: Node): boolean {
  return isAvailable(node) && !node.spec?.taints?.some(({ key }) => key === retiringTaint.key)
}

/** As the scheduler reads it (k8s.io/component-helpers/scheduling/corev1, MatchTopologySelectorTerms): none allows all. */
function isAllowed({ metadata: { labels } }: Node, terms: StorageClass['allowedTopologies']): boolean {
  if (!terms?.length) return true
  return terms.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(labels?.[key] ?? '')),
  )
}

/** Whether a volume can be used from a node, by what we said of the volume ourselves: a clone lies beside its source. */
function isBeside(node: Node, volume: PersistentVolume | undefined): boolean {
  const terms = volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []
  return isAllowed(
    node,
    terms.map(({ matchExpressions = [] }) => ({
      matchLabelExpressions: matchExpressions.map(({ key, values = [] }) => ({ key, values })),
    })),
  )
}

function hasRoom({ metadata }: Node, { spec }: PersistentVolumeClaim, capacities: Places['capacities']): boolean {
  if (capacities.length === 0) return true
  const wanted = parseQuantity(spec?.resources?.requests?.storage ?? '0')
  return capacities.some(
    ({ nodeTopology, capacity }) =>
      labelSelector(nodeTopology).matches(metadata.labels) && parseQuantity(capacity ?? '0').compare(wanted) >= 0,
  )
}
