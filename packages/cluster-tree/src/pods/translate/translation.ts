import type { Pod, PodSpec } from '@kosmos/kube'
import type { Home } from '../../nodes/home.ts'
import type { Rename } from './renamed-references.ts'

/** A pod as we write it into a leaf: only what a creator may set. */
export interface LeafPodManifest {
  readonly apiVersion: 'v1'
  readonly kind: 'Pod'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: PodSpec
}

/** Where pods of a leaf reach the root's API server. */
export interface ApiServerAddress {
  /** A DNS name or an IP address, without brackets. */
  readonly host: string
  readonly port: string
}

/** What a translation needs to know besides the root pod. */
export interface LeafContext {
  /** uid of the root's kube-system namespace. */
  readonly rootClusterId: string
  /** The Cluster the copy goes to. */
  readonly clusterName: string
  /** Where the pods of the virtual node that the root pod is bound to may run. */
  readonly home: Home
  /** Undefined: they do not, and get no tokens for it. */
  readonly apiServer?: ApiServerAddress | undefined
  /** Whether pods may talk to the leaf's API server instead. */
  readonly leafApi?: boolean
  /** What the Cluster says that priority classes of the root are called in the leaf; empty: the leaf's default priority. */
  readonly priorityClasses?: Readonly<Record<string, string>>
  /** Whether the root has bundles of trust to give to pods. */
  readonly trustBundles?: boolean
  /** Whether signers of the root can be asked for certificates of pods. */
  readonly podCertificates?: boolean
  /** Resources of the virtual node of which its leaf nodes have none. */
  readonly rootResources?: readonly string[]
  /** What the leaf calls the ConfigMaps, Secrets and claims that the pod names; absent: as the root does. */
  readonly nameOf?: Rename | undefined
}

/** Something that the root pod has and its copy does without. Worth an Event, no obstacle. */
export interface Omission {
  /** CamelCase, for an Event. */
  readonly reason: 'ApiAccessOmitted' | 'PriorityClassOmitted'
  readonly message: string
}

/** Why no copy can be made of this root pod as it stands. */
export interface Problem {
  /** CamelCase, for an Event and a waiting reason. */
  readonly reason:
    | 'InvalidClusterSelector'
    | 'LeafAPIAccessDenied'
    | 'PodCertificateNotCarried'
    | 'ResourceClaimNotCarried'
    | 'TrustBundleNotCarried'
  readonly message: string
}

/** The copy of a root pod, to be created only when there are no problems. */
export interface Translation {
  readonly pod: LeafPodManifest
  readonly omissions: readonly Omission[]
  readonly problems: readonly Problem[]
}

/** One row of the table: changes what its name says and leaves everything else as it came. Neither argument is modified. */
export type PodMutation = (translation: Translation, root: Pod, ctx: LeafContext) => Translation

export function withSpec(translation: Translation, spec: PodSpec): Translation {
  return { ...translation, pod: { ...translation.pod, spec } }
}
