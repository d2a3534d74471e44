import type { KubeConfigSource } from '@kosmos/kube'
import type { ModelChoice } from './leaf-models.ts'
import type { LinkChoices } from './root-manifests.ts'

export interface JoinOptions {
  /** Name of the Cluster in the root. */
  readonly name: string
  readonly root: KubeConfigSource
  readonly leaf: KubeConfigSource
  /** Address at which the controllers reach the leaf, if it is not the one in the kubeconfig. */
  readonly server?: string | undefined
  /** `https://host:port` at which pods of the leaf reach the root's API server, or `none`. Default: as in the root's kubeconfig. */
  readonly rootAPIServer?: string | undefined
  /** What the leaf is in the root. Default: what the Cluster says already, else one virtual node. */
  readonly model?: ModelChoice | undefined
  /** Whether the leaf becomes virtual nodes. Default: what the Cluster says already, else true. */
  readonly tree?: boolean | undefined
  /** Connects the pods and Services of the leaf with those of other clusters. Undefined: nothing is said of it. */
  readonly link?: LinkChoices | undefined
  /** Image of the agents of ClusterLink. Default: what they have if it was chosen before, else that of this version. */
  readonly agentImage?: string | undefined
  /** Life of the leaf credentials, in seconds; the leaf may shorten it. Default: 30 days. */
  readonly tokenTtlSeconds?: number
  /** How long to wait for the virtual node, in seconds; 0: not at all. Default: 120. */
  readonly timeoutSeconds?: number
  /** Installs the kinds of kosmos.io in the root where they are missing. Default: true. */
  readonly installCrds?: boolean
}
