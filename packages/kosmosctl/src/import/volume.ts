import { systemNamespace } from '@kosmos/api'
import { copyMetadata, importedVolume } from '@kosmos/cluster-tree'
import {
  type Client,
  describeObject,
  type KubeObject,
  namespaces,
  type Outcome,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  storageClasses,
} from '@kosmos/kube'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import { plannedClaim } from './plan.ts'

export interface ImportVolumeOptions {
  readonly cluster: string
  readonly namespace: string
  /** Of the claim, in the leaf and in the root. */
  readonly name: string
  readonly storageClass?: string | undefined
  readonly reclaimPolicy: 'Retain' | 'Delete'
  readonly dryRun: boolean
}

export interface ImportedVolume {
  readonly namespace: string
  readonly claim: string
  readonly volume: string
  readonly storageClass: string
  readonly capacity: string
}

/**
 * Brings a volume that a leaf has already into the root, as a claim of the same name: the claim, then the volume that stands for the
 * leaf's, then our mark on the leaf's claim, which hands it over. Stopped half-way, it can be run again.
 * @throws Failure if that is not possible
 */
export async function importVolume(root: Client, options: ImportVolumeOptions): Promise<ImportedVolume> {
  const { cluster: clusterName, namespace, name, storageClass, reclaimPolicy, dryRun } = options
  const ref = { namespace, name }
  const cluster = await root.get(clusters, { name: clusterName })
  if (!cluster) throw new Failure(`there is no Cluster "${clusterName}"`, { next: 'kosmosctl get clusters' })
  if (namespace === systemNamespace) {
    throw new Failure(`claims of ${systemNamespace}, which is Kosmos' own, are not imported`, {
      next: "say with -n in which namespace the leaf's claim is",
    })
  }
  if (!(await root.get(namespaces, { name: namespace }))) {
    throw new Failure(`the root has no namespace ${namespace}`, { next: `kubectl create namespace ${namespace}` })
  }
  const { client: leaf } = await openLeaf(root, cluster)
  try {
    const rootId = await clusterId(root)
    const { claim, leafClaim } = plannedClaim(ref, {
      cluster: clusterName,
      rootId,
      leafClaim: await leaf.get(persistentVolumeClaims, ref),
      rootClaim: await root.get(persistentVolumeClaims, ref),
      classes: await root.listAll(storageClasses),
      classNames: cluster.spec.clusterTreeOptions?.storageClasses ?? {},
      storageClass,
    })
    const { spec } = claim as PersistentVolumeClaim
    const imported = {
      namespace,
      claim: name,
      volume: spec?.volumeName ?? '',
      storageClass: spec?.storageClassName ?? '',
      capacity: leafClaim.status?.capacity?.storage ?? '',
    }
    const create = async (resource: Resource, object: KubeObject, dry = false) =>
      refuse({ ...object, kind: resource.kind }, await root.create(resource, object, { dryRun: dry }))
    await create(persistentVolumeClaims, claim, true)
    if (dryRun) return imported
    await create(persistentVolumeClaims, claim)
    const stored = await root.get(persistentVolumeClaims, ref)
    if (!stored) {
      throw new Failure(`somebody has deleted PersistentVolumeClaim ${namespace}/${name} from the root meanwhile`, {
        next: 'run the same command again',
      })
    }
    const volume = importedVolume(stored, leafClaim, { cluster: clusterName, reclaimPolicy })
    await create(persistentVolumes, volume)
    await handOver(leaf, leafClaim, stored, rootId)
    return imported
  } finally {
    await leaf.connection.close()
  }
}

/** From here on it is a copy: whoever deletes the root's claim decides about it, by the reclaim policy. */
async function handOver(leaf: Client, leafClaim: PersistentVolumeClaim, stored: PersistentVolumeClaim, rootId: string) {
  const { labels, annotations } = copyMetadata(stored, rootId)
  const { namespace = '', name, uid, resourceVersion } = leafClaim.metadata
  const patch = { metadata: { uid, resourceVersion, labels, annotations } }
  const outcome = await leaf.patch(persistentVolumeClaims, { namespace, name }, patch, { type: 'merge' })
  if (outcome.ok) return
  throw new Failure(
    `leaf: PersistentVolumeClaim ${namespace}/${name} was not marked: ${outcome.status.message ?? outcome.reason}`,
    {
      next: 'run the same command again',
    },
  )
}

/** What is there already is of an earlier run: the plan has looked. */
function refuse(object: KubeObject, outcome: Outcome<unknown>): void {
  if (!outcome.ok && outcome.reason !== 'AlreadyExists') {
    throw new Failure(`root: ${describeObject(object)} was not stored: ${outcome.status.message ?? outcome.reason}`, {
      next: 'when that is solved run the same command again; the data in the leaf is as it was',
    })
  }
}
