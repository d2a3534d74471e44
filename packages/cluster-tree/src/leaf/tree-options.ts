import type { ClusterTreeOptions } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import type { ApiServerAddress } from '../pods/translate/translation.ts'
import type { ClassNames } from '../volumes/class-names.ts'
import type { LeafIdentity } from './identity.ts'
import type { LeafOptions } from './options.ts'

export type TreeOptions = LeafOptions & {
  readonly leaf: Client
  readonly identity: LeafIdentity
  /** Where the Cluster says now that pods reach the root's API server. */
  readonly apiServer: () => ApiServerAddress | undefined
  /** Whether the Cluster says now that pods may talk to the leaf's API server instead. */
  readonly leafApi: () => boolean
  /** How the Cluster says now that priority classes of the root are called in the leaf. */
  readonly priorityClasses: () => Readonly<Record<string, string>>
  /** How the Cluster says now that the root's StorageClasses are called in the leaf. */
  readonly classNames: () => ClassNames
  /** How it says now that the root's VolumeAttributesClasses are called there. */
  readonly attributesClassNames: () => ClassNames
  /** Of which StorageClasses of the root the Cluster says now that the leaf reaches their volumes. */
  readonly sharedClasses: () => readonly string[]
  /** What the Cluster says now of pods that the leaf ends. */
  readonly disruption: () => ClusterTreeOptions['leafDisruption']
  /** By which addresses ClusterLink makes the leaf's networks known to others now. */
  readonly globalCIDRs: () => Readonly<Record<string, string>>
  /** A virtual node has no model any more. */
  readonly onRetiring: (nodeName: string) => void
  /** Another cluster answers in the place of the leaf. */
  readonly onReplaced: () => void
}
