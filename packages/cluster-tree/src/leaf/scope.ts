import type { Client, Informer, ObjectKey, Pod, ReconcileObservation } from '@kosmos/kube'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'

/** What the controllers of one leaf have in common. */
export interface LeafScope {
  readonly root: Client
  readonly leaf: Client
  readonly clusterName: string
  /** uid of the root's kube-system namespace. */
  readonly rootClusterId: string
  /** Those on the virtual nodes of the leaf. */
  readonly rootPods: PodsOnNodes
  /** Our copies of them. */
  readonly leafPods: Informer<Pod, 'namespace'>
  readonly namespaces: LeafNamespaces
  /** Of the root. */
  readonly events: EventSink
  /** Has a root pod looked at again. */
  readonly wake: (pod: ObjectKey) => void
  readonly onReconcile: (observation: ReconcileObservation) => void
}
