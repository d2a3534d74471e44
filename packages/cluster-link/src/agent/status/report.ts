import type { NodeConfigConditionReason, NodeConfigStatus, UnderlayStatus } from '@kosmos/api'
import type { Reachability } from '../probe/reachability.ts'

/** What the agent knows of its node. */
export interface Report {
  /** The generation of the NodeConfig that the kernel has; undefined: none yet. */
  readonly generation?: number
  /** The generation that was last tried. */
  readonly attempted?: number
  readonly applied?: { readonly reason: NodeConfigConditionReason<'Applied'>; readonly detail?: string }
  /** Milliseconds since 1970. */
  readonly changedAt?: number
  readonly syncedAt?: number
  readonly underlay?: UnderlayStatus
  readonly wireGuard?: NonNullable<NodeConfigStatus['wireGuard']>
  readonly ipsec?: NonNullable<NodeConfigStatus['ipsec']>
  readonly keys?: NonNullable<NodeConfigStatus['keys']>
  readonly nextHops: readonly { readonly address: string; readonly reachability: Reachability | undefined }[]
}
