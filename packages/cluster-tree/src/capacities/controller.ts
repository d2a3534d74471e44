import { isDeepStrictEqual } from 'node:util'
import { clusterLabel } from '@kosmos/api'
import {
  type Client,
  Controller,
  type CSIDriver,
  type CSIStorageCapacity,
  csiStorageCapacities,
  type Informer,
  type Node,
  type ReconcileObservation,
  type Requeue,
  type StorageClass,
} from '@kosmos/kube'
import { throwUnlessPassing } from '../root/passing.ts'
import type { ClassNames } from '../volumes/class-names.ts'
import { isOfLeaves } from '../volumes/volume.ts'
import { wantedCapacities } from './plan.ts'

/** The watches of a leaf's storage. An account that may not have them is no obstacle: then nothing is known. */
export interface LeafStorageSources {
  readonly classes: Informer<StorageClass>
  readonly drivers: Informer<CSIDriver>
  readonly capacities: Informer<CSIStorageCapacity>
  /** Resolves when each of them has begun or been refused. */
  readonly heardOf: Promise<void>
}

export interface LeafCapacitiesOptions {
  readonly root: Client
  readonly cluster: { readonly name: string; readonly uid: string }
  readonly rootClasses: Informer<StorageClass>
  /** Ours, of all leaves. */
  readonly rootCapacities: Informer<CSIStorageCapacity, 'class'>
  readonly rootNodes: Informer<Node>
  readonly leafNodes: Informer<Node>
  readonly leafStorage: LeafStorageSources
  readonly membersOf: (virtualNode: string) => Iterable<Node>
  /** As the Cluster says now. */
  readonly classNames: () => ClassNames
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

const SETTLE_MS = 1_000

/** Tells the root's scheduler how large a volume each virtual node of one leaf could get. By class of the root. */
export class LeafCapacities {
  readonly controller: Controller
  readonly #options: LeafCapacitiesOptions

  constructor(options: LeafCapacitiesOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'capacities',
      concurrency: 2,
      reconcile: (className) => this.#reconcile(className),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.leafStorage.heardOf)
    const { rootClasses, rootCapacities, rootNodes, leafNodes, leafStorage } = options
    this.controller.watch(rootClasses, ({ object }) => [object.metadata.name])
    this.controller.watch(rootCapacities, ({ object }) => (this.#isOwn(object) ? [object.storageClassName] : []))
    this.controller.watch(rootNodes, ({ type, object }) =>
      type !== 'updated' && this.#isOwn(object) ? this.#classes() : [],
    )
    this.controller.watch(leafNodes, (change) => {
      const isSame =
        change.type === 'updated' && isDeepStrictEqual(change.old.metadata.labels, change.object.metadata.labels)
      return isSame ? [] : this.#classes()
    })
    // Not watched by the controller, which would wait for them.
    leafStorage.classes.subscribe(() => this.resume())
    leafStorage.drivers.subscribe(() => this.resume())
    // Drivers tell of one place at a time, and what is wanted is the largest of all.
    leafStorage.capacities.subscribe(() => {
      for (const className of this.#classes()) this.controller.enqueueAfter(className, SETTLE_MS)
    })
  }

  /** Looks at every class again: after the Cluster calls them otherwise. */
  resume(): void {
    for (const className of this.#classes()) this.controller.enqueue(className)
  }

  #isOwn({ metadata }: Node | CSIStorageCapacity): boolean {
    return metadata.labels?.[clusterLabel] === this.#options.cluster.name
  }

  *#classes(): Iterable<string> {
    for (const storageClass of this.#options.rootClasses.store.values()) {
      if (isOfLeaves(storageClass)) yield storageClass.metadata.name
    }
  }

  async #reconcile(className: string): Promise<Requeue> {
    const { root, rootCapacities } = this.#options
    const what = `the capacity of StorageClass ${className}`
    const wanted = new Map(this.#wanted(className).map((object) => [object.metadata?.name ?? '', object]))
    for (const present of [...rootCapacities.store.by('class', className)]) {
      if (!this.#isOwn(present)) continue
      const { name, namespace = '', uid } = present.metadata
      const object = wanted.get(name) as { readonly capacity?: string } | undefined
      if (!object) throwUnlessPassing(await root.delete(csiStorageCapacities, { namespace, name }, { uid }), what)
      else if (object.capacity === present.capacity) wanted.delete(name)
    }
    for (const object of wanted.values()) {
      throwUnlessPassing(await root.apply(csiStorageCapacities, object), what)
    }
    return
  }

  #wanted(className: string) {
    const { cluster, rootClasses, rootNodes, leafStorage, membersOf, classNames } = this.#options
    if (!isOfLeaves(rootClasses.get(className))) return []
    const own = [...rootNodes.store.values()].filter((node) => this.#isOwn(node))
    const virtualNodes = new Map(own.map(({ metadata: { name } }) => [name, [...membersOf(name)]]))
    const { classes, drivers, capacities } = leafStorage
    const isKnown = [classes, drivers, capacities].every(({ hasSynced }) => hasSynced)
    const storage = isKnown
      ? { classes: classes.store.values(), drivers: drivers.store.values(), capacities: capacities.store.values() }
      : undefined
    return wantedCapacities({ cluster, className, classNames: classNames(), storage, virtualNodes })
  }
}
