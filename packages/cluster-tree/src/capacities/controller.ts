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
  type Outcome,
  type ReconcileObservation,
  type Requeue,
  type StorageClass,
} from '@kosmos/kube'
import type { ClassNames } from '../volumes/claim.ts'
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
    const { rootClasses, rootCapacities, rootNodes, leafNodes, leafStorage, cluster } = options
    this.controller.watch(rootClasses, ({ object }) => [object.metadata.name])
    const isOwn = ({ metadata }: Node | CSIStorageCapacity) => metadata.labels?.[clusterLabel] === cluster.name
    this.controller.watch(rootCapacities, ({ object }) => (isOwn(object) ? [object.storageClassName] : []))
    this.controller.watch(rootNodes, ({ type, object }) => (type !== 'updated' && isOwn(object) ? this.#classes() : []))
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

  *#classes(): Iterable<string> {
    for (const storageClass of this.#options.rootClasses.store.values()) {
      if (isOfLeaves(storageClass)) yield storageClass.metadata.name
    }
  }

  async #reconcile(className: string): Promise<Requeue> {
    const { root, rootCapacities, cluster } = this.#options
    const wanted = new Map(this.#wanted(className).map((object) => [object.metadata?.name ?? '', object]))
    for (const present of [...rootCapacities.store.by('class', className)]) {
      const { name, namespace = '', labels, uid } = present.metadata
      if (labels?.[clusterLabel] !== cluster.name) continue
      const object = wanted.get(name) as { readonly capacity?: string } | undefined
      if (!object) throwUnlessPassing(await root.delete(csiStorageCapacities, { namespace, name }, { uid }), className)
      else if (object.capacity === present.capacity) wanted.delete(name)
    }
    for (const object of wanted.values()) {
      throwUnlessPassing(await root.apply(csiStorageCapacities, object), className)
    }
    return
  }

  #wanted(className: string) {
    const { cluster, rootClasses, rootNodes, leafStorage, membersOf, classNames } = this.#options
    if (!isOfLeaves(rootClasses.get(className))) return []
    const own = [...rootNodes.store.values()].filter(({ metadata }) => metadata.labels?.[clusterLabel] === cluster.name)
    const virtualNodes = new Map(own.map(({ metadata: { name } }) => [name, [...membersOf(name)]]))
    const { classes, drivers, capacities } = leafStorage
    const isKnown = [classes, drivers, capacities].every(({ hasSynced }) => hasSynced)
    const storage = isKnown
      ? { classes: classes.store.values(), drivers: drivers.store.values(), capacities: capacities.store.values() }
      : undefined
    return wantedCapacities({ cluster, className, classNames: classNames(), storage, virtualNodes })
  }
}

function throwUnlessPassing(outcome: Outcome<unknown>, className: string): void {
  if (outcome.ok || (outcome.reason !== 'Forbidden' && outcome.reason !== 'Invalid')) return
  throw new Error(`the root does not take the capacity of StorageClass ${className}: ${outcome.status.message}`)
}
