import type { KubeConfigSource } from '@kosmos/kube'

export interface UnjoinOptions {
  /** Name of the Cluster in the root. */
  readonly name: string
  readonly root: KubeConfigSource
  /** An administrator of the leaf; default: the credentials that the root holds. */
  readonly leaf?: KubeConfigSource | undefined
  /** Goes on without the leaf or a controller, deletes pods whatever a budget says. */
  readonly force?: boolean
  /** For the whole, in seconds. Default: 300, with force 110. */
  readonly timeoutSeconds?: number | undefined
}
