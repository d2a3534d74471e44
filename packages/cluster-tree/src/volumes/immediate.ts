import { hash } from 'node:crypto'
import { retiringTaint } from '@kosmos/api'
import type { Node, StorageClass } from '@kosmos/kube'
import { isAvailable } from '../nodes/capacity.ts'

/** Whether volumes of a class are made before a pod needs them. Pure. */
export function isImmediate({ volumeBindingMode = 'Immediate' }: StorageClass): boolean {
  return volumeBindingMode === 'Immediate'
}

/**
 * The virtual node whose leaf makes a volume that no pod waits for: one that could take pods now and that the class allows, by
 * rendezvous hashing, so that all leaves come to the same answer without asking, and claims spread evenly. Pure.
 */
export function nodeForImmediate(
  claimUid: string,
  { allowedTopologies }: StorageClass,
  virtualNodes: Iterable<Node>,
): Node | undefined {
  const candidates = [...virtualNodes].filter((node) => takesVolumes(node) && isAllowed(node, allowedTopologies))
  const weight = ({ metadata: { name } }: Node) => hash('sha1', `${claimUid} ${name}`)
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
