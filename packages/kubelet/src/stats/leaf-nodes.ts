import type { Connection } from '@kosmos/kube'

/** What a pod of a virtual node is called in both clusters; namespace and name are the same. */
export interface CopyIdentity {
  /** uid of the pod in the root. */
  readonly rootUid: string
  readonly leafUid: string
}

/** The nodes of a leaf that a virtual node stands for, and its pods on them. */
export interface LeafNodes {
  readonly connection: Connection
  /** Throws `StatsUnavailable` when none of them can be asked. */
  names(): Iterable<string>
  /** The copies that exist, by `namespace/name`. */
  copies(): ReadonlyMap<string, CopyIdentity>
}
