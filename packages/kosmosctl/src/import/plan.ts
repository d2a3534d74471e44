import { rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import { importedVolumeName, isClassOfLeaves } from '@kosmos/cluster-tree'
import type { KubeObject, PersistentVolumeClaim, StorageClass } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'

export interface ImportFacts {
  readonly cluster: string
  readonly rootId: string
  readonly leafClaim: PersistentVolumeClaim | undefined
  /** The root's claim of the name, if there is one. */
  readonly rootClaim: PersistentVolumeClaim | undefined
  /** Classes of the root. */
  readonly classes: readonly StorageClass[]
  /** How the Cluster calls classes of the root in the leaf. */
  readonly classNames: Readonly<Record<string, string>>
  /** The class that the person names. */
  readonly storageClass: string | undefined
}

/**
 * The claim to make in the root for one that a leaf has; an import that stopped half-way leads to the same. Pure.
 * @throws Failure if it cannot be brought in
 */
export function plannedClaim(
  ref: { readonly namespace: string; readonly name: string },
  facts: ImportFacts,
): { readonly claim: KubeObject; readonly leafClaim: PersistentVolumeClaim } {
  const { cluster, rootId, leafClaim, rootClaim } = facts
  const called = `PersistentVolumeClaim ${ref.namespace}/${ref.name}`
  if (!leafClaim) {
    throw new Failure(`the leaf of Cluster "${cluster}" has no ${called}`, {
      next: `name another, or its namespace with -n; in the leaf: kubectl get persistentvolumeclaims -n ${ref.namespace}`,
    })
  }
  const { labels, annotations, deletionTimestamp } = leafClaim.metadata
  if (deletionTimestamp !== undefined) {
    throw new Failure(`${called} is being deleted in the leaf`, {
      next: 'make another there from its volume, and import that',
    })
  }
  if (leafClaim.status?.phase !== 'Bound') {
    throw new Failure(
      `${called} is ${leafClaim.status?.phase ?? 'not bound'} in the leaf: there is no data to bring in`,
      { next: 'let a pod in the leaf mount it, so that it gets a volume; or make it in the root' },
    )
  }
  const owner = labels?.[rootClusterLabel]
  if (owner !== undefined && owner !== rootId) {
    throw new Failure(`${called} belongs to another root, ${owner}`, {
      next: 'it can be used there, or deleted there first',
    })
  }
  const volumeName = importedVolumeName(leafClaim)
  if (rootClaim && rootClaim.spec?.volumeName !== volumeName) {
    const isItsOwn = annotations?.[rootUidAnnotation] === rootClaim.metadata.uid
    throw isItsOwn
      ? new Failure(`${called} is the root's already`, { next: 'nothing is to be done: pods of the root can mount it' })
      : new Failure(`the root has another ${called}`, { next: 'delete or rename that one first' })
  }
  const { accessModes, resources, volumeMode } = leafClaim.spec ?? {}
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: ref,
    spec: {
      accessModes,
      resources,
      ...(volumeMode && { volumeMode }),
      storageClassName: classFor(leafClaim, facts),
      volumeName,
    },
  }
  return { claim: claim as KubeObject, leafClaim }
}

/** The class of the root by which more of the same kind is made: it decides whether the claim may grow. */
function classFor({ spec }: PersistentVolumeClaim, { classes, classNames, storageClass }: ImportFacts): string {
  const ofLeaves = classes.filter(isClassOfLeaves).map(({ metadata }) => metadata.name)
  const wanted = (name: string) =>
    storageClass ? name === storageClass : (classNames[name] ?? name) === spec?.storageClassName
  const found = ofLeaves.find(wanted)
  if (found !== undefined) return found
  throw new Failure(
    storageClass
      ? `the root has no StorageClass ${storageClass} with provisioner leaf.kosmos.io`
      : `no StorageClass of the root stands for the leaf's ${spec?.storageClassName ?? '(none)'}`,
    {
      next:
        ofLeaves.length > 0
          ? `--storage-class ${ofLeaves.join(' or ')}`
          : 'make one, see docs/how-to/keep-data-in-leaves.md',
    },
  )
}
