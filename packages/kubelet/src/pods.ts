import type { Connection, Pod } from '@kosmos/kube'

/** A pod as the root's API server names it in a request. */
export interface PodQuery {
  readonly namespace: string
  readonly pod: string
  /** Only this incarnation. */
  readonly uid?: string
}

/** Where a pod of this virtual node runs. Messages are shown to the user. */
export type LocatedPod =
  | {
      readonly kind: 'found'
      /** The leaf's API server. */
      readonly connection: Connection
      /** Of the pod in the leaf. */
      readonly namespace: string
      readonly name: string
      /** The leaf node that it is on, once it is on one. */
      readonly nodeName?: string | undefined
    }
  /** This node has no such pod. */
  | { readonly kind: 'absent'; readonly message: string }
  /** It has, but nobody can reach it now. */
  | { readonly kind: 'unavailable'; readonly message: string }

/** The pods of one virtual node. */
export interface NodePods {
  locate(query: PodQuery): LocatedPod | Promise<LocatedPod>
  /** As the root has them. */
  list(): Iterable<Pod>
}
