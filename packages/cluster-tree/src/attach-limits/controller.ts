import { clusterLabel } from '@kosmos/api'
import {
  type Client,
  Controller,
  type CSIDriver,
  type CSINode,
  csiNodes,
  type Informer,
  type Node,
  type ReconcileObservation,
  type StorageClass,
} from '@kosmos/kube'
import { throwUnlessPassing } from '../root/passing.ts'
import { attachLimits, keepsOffMore, saysSo, unreachableDrivers } from './plan.ts'

export interface AttachLimitsOptions {
  readonly root: Client
  readonly clusterName: string
  readonly rootNodes: Informer<Node>
  readonly rootClasses: Informer<StorageClass>
  readonly rootDrivers: Informer<CSIDriver>
  /** Those of virtual nodes. */
  readonly rootCsiNodes: Informer<CSINode>
  /** Names of the root's classes whose volumes the leaf reaches, as the Cluster says now. */
  readonly shared: () => readonly string[]
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Tells the root's scheduler which volumes of the root cannot be mounted on the virtual nodes of one leaf. By virtual node. */
export class AttachLimits {
  readonly controller: Controller
  readonly #options: AttachLimitsOptions

  constructor(options: AttachLimitsOptions) {
    this.#options = options
    const { rootNodes, rootClasses, rootDrivers, rootCsiNodes, onReconcile } = options
    this.controller = new Controller({
      name: 'attach-limits',
      concurrency: 2,
      reconcile: (nodeName) => this.#reconcile(nodeName),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(rootNodes, (change) => {
      const isSame = change.type === 'updated' && change.old.metadata.uid === change.object.metadata.uid
      return isSame || !this.#isOwn(change.object) ? [] : [change.key]
    })
    this.controller.watch(rootCsiNodes, ({ key, object }) => (this.#isOwn(object) ? [key] : []))
    this.controller.watch(rootDrivers, ({ type }) => (type === 'updated' ? [] : this.#ownNodes()))
    this.controller.watch(rootClasses, ({ type }) => (type === 'updated' ? [] : this.#ownNodes()))
  }

  /** Looks at every node again: after the Cluster shares other classes. */
  resume(): void {
    for (const nodeName of this.#ownNodes()) this.controller.enqueue(nodeName)
  }

  #isOwn({ metadata }: Node | CSINode): boolean {
    return metadata.labels?.[clusterLabel] === this.#options.clusterName
  }

  *#ownNodes(): Iterable<string> {
    for (const node of this.#options.rootNodes.store.values()) if (this.#isOwn(node)) yield node.metadata.name
  }

  async #reconcile(nodeName: string): Promise<undefined> {
    const { root, rootNodes, rootClasses, rootDrivers, rootCsiNodes, shared } = this.#options
    const node = rootNodes.get(nodeName)
    if (!node || node.metadata.deletionTimestamp !== undefined) return
    const classes = rootClasses.store.values()
    const drivers = unreachableDrivers({ drivers: rootDrivers.store.values(), classes, shared: shared() })
    const present = rootCsiNodes.get(nodeName)
    const what = `the CSINode of ${nodeName}`
    if (saysSo(present, node, drivers)) return
    // Pods that were kept off are tried again for a CSINode that is new, and not for one that names a driver less.
    if (present && keepsOffMore(present, drivers))
      throwUnlessPassing(await root.delete(csiNodes, { name: nodeName }, { uid: present.metadata.uid }), what)
    throwUnlessPassing(await root.apply(csiNodes, attachLimits(node, drivers)), what)
  }
}
