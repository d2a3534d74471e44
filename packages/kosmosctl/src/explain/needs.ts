import {
  type Cluster,
  rootClusterLabel,
  rootResourceVersionAnnotation,
  rootUidAnnotation,
  tokenSecretAnnotation,
} from '@kosmos/api'
import type { Delivery } from '@kosmos/cluster-tree'
import type { KubeObject } from '@kosmos/kube'

/** One thing that a pod needs, and where it is. */
export interface Need {
  readonly kind: 'ConfigMap' | 'Secret' | 'PersistentVolumeClaim' | 'Service' | Delivery['kind']
  readonly name: string
  /** The pod starts without it. */
  readonly optional: boolean
  /** Where in the pod it is named; empty where it comes with the namespace or the service account. */
  readonly usedBy: readonly string[]
  /** `not needed`: it is made for the pod, of what the root says of it. */
  readonly root: 'present' | 'missing' | 'not needed'
  /** `outdated`: another version or incarnation than the root's; `foreign`: something that is not this root's. */
  readonly leaf: 'current' | 'outdated' | 'missing' | 'foreign'
  /** Where the leaf calls it otherwise, because it has something else of that name. */
  readonly nameInLeaf?: string
}

/** What a leaf has of an object of the root. Pure. */
export function stateInLeaf(
  root: KubeObject | undefined,
  leaf: KubeObject | undefined,
  {
    rootId,
    byVersion,
  }: { readonly rootId: string /** Whether a copy shows one version. */; readonly byVersion: boolean },
): Need['leaf'] {
  if (!leaf) return 'missing'
  const { labels, annotations } = leaf.metadata ?? {}
  if (labels?.[rootClusterLabel] !== rootId) return 'foreign'
  const isSame = annotations?.[rootUidAnnotation] === root?.metadata?.uid
  const isNew = !byVersion || annotations?.[rootResourceVersionAnnotation] === root?.metadata?.resourceVersion
  return isSame && isNew ? 'current' : 'outdated'
}

/** Whether a pod has API access from its leaf: its copy says whether it was made so, and before there is one the Cluster. Pure. */
export function hasApiAccess({ spec }: Pick<Cluster, 'spec'>, copy: KubeObject | undefined): boolean {
  if (copy) return copy.metadata?.annotations?.[tokenSecretAnnotation] !== undefined
  return spec.clusterTreeOptions?.rootAPIServer !== undefined
}

/** What keeps a pod that has no copy from getting one, a sentence each. Pure. */
export function waitsFor(needs: readonly Need[]): string[] {
  return needs.flatMap(({ kind, name, optional, root, leaf }) => {
    if (root === 'not needed') return []
    if (root === 'missing') return optional ? [] : [`${kind} ${name} does not exist in the root`]
    if (kind === 'Service') return leaf === 'missing' ? [`Service ${name} is not in the leaf yet`] : []
    if (leaf === 'foreign') return [`the leaf has a ${kind} ${name} that is not this root's`]
    return leaf === 'current' ? [] : [`${kind} ${name} is not in the leaf yet`]
  })
}
