import { clusterLabel } from '@kosmos/api'
import {
  type Controller,
  type CSIStorageCapacity,
  type Informer,
  keyOf,
  type Node,
  type ObjectKey,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from '@kosmos/kube'
import type { ConfigurationRegistry } from '../configuration/registry.ts'
import { awaitedSource } from './data-source.ts'
import { isImmediate, nodeForImmediate, takesVolumes } from './immediate.ts'
import { isOfLeaves, selectedNodeAnnotation } from './volume.ts'

/** What of the root's storage concerns leaves. */
export interface RootVolumes {
  readonly claims: Informer<PersistentVolumeClaim, 'unbound' | 'cloneOf'>
  /** Those that stand for a volume in a leaf. */
  readonly volumes: Informer<PersistentVolume, 'claim'>
  readonly classes: Informer<StorageClass>
  /** How large a volume leaves could make. */
  readonly capacities: Informer<CSIStorageCapacity, 'class'>
}

export interface PlacementOptions {
  readonly clusterName: string
  readonly rootVolumes: RootVolumes
  /** Virtual nodes of all leaves. */
  readonly virtualNodes: Pick<Informer<Node>, 'get' | 'store' | 'subscribe' | 'synced'>
  /** Which pods of this leaf need which claims, by the claims' keys. */
  readonly registry: ConfigurationRegistry
  /** The virtual node of a pod of this leaf. */
  readonly nodeOf: (pod: ObjectKey) => string | undefined
}

/** Where the volume of a claim is to be made. */
export interface Place {
  readonly storageClass: StorageClass
  readonly node: Node
}

/** Finds out which claims of the root are to get their volume in one leaf, and on which of its virtual nodes. */
export class Placement {
  readonly #options: PlacementOptions

  constructor(options: PlacementOptions) {
    this.#options = options
  }

  /** Has a controller look again at the claims that may have got a place; the changes of claims themselves are its own to watch. */
  watch(controller: Controller<ObjectKey>): void {
    const { rootVolumes, virtualNodes } = this.#options
    const { classes, capacities } = rootVolumes
    controller.watch(classes, ({ object }) => this.#waiting(object))
    controller.watch(capacities, ({ object }) => {
      const storageClass = classes.get(object.storageClassName)
      return storageClass && isImmediate(storageClass) ? this.#waiting(storageClass) : []
    })
    controller.watch(virtualNodes, (change) => {
      const before = change.type === 'updated' && takesVolumes(change.old)
      const isNew = change.type !== 'deleted' && takesVolumes(change.object) && !before
      return isNew ? [...classes.store.values()].flatMap((storageClass) => this.#waiting(storageClass)) : []
    })
  }

  /**
   * Where in this leaf the volume is to be made: for the first pod that needs the claim, as the scheduler says or as the pod was bound
   * without it; for a class that does not wait for one, on any. Undefined if not here, or not yet.
   */
  of(key: ObjectKey, claim: PersistentVolumeClaim): Place | undefined {
    const { rootVolumes, virtualNodes, clusterName } = this.#options
    const storageClass = rootVolumes.classes.get(claim.spec?.storageClassName ?? '')
    if (!storageClass || !isOfLeaves(storageClass)) return undefined
    const node = isImmediate(storageClass)
      ? nodeForImmediate(claim, storageClass, {
          virtualNodes: virtualNodes.store.values(),
          source: this.#volumeOfSource(claim),
          capacities: [...rootVolumes.capacities.store.by('class', storageClass.metadata.name)],
        })
      : this.#nodeOfFirstPod(key, claim)
    return node?.metadata.labels?.[clusterLabel] === clusterName ? { storageClass, node } : undefined
  }

  /** The root's volume of what the claim is to be a clone of. */
  #volumeOfSource(claim: PersistentVolumeClaim): PersistentVolume | undefined {
    const { claims, volumes } = this.#options.rootVolumes
    const key = awaitedSource(claim)
    if (key === undefined) return undefined
    const volumeName = claims.get(key)?.spec?.volumeName
    return [...volumes.store.by('claim', key)].find(({ metadata }) => metadata.name === volumeName)
  }

  #nodeOfFirstPod(key: ObjectKey, { metadata }: PersistentVolumeClaim): Node | undefined {
    const { registry, nodeOf, virtualNodes } = this.#options
    const selected = metadata.annotations?.[selectedNodeAnnotation]
    const [pod] = registry.dependentsOf(key)
    return virtualNodes.get(selected ?? (pod && nodeOf(pod)) ?? '')
  }

  /** Claims of a class that wait for a leaf: also those of a pod, whose node may be heard of before the class or the node is. */
  #waiting(storageClass: StorageClass): ObjectKey[] {
    if (!isOfLeaves(storageClass)) return []
    return [...this.#options.rootVolumes.claims.store.by('unbound', storageClass.metadata.name)].map(keyOf)
  }
}
