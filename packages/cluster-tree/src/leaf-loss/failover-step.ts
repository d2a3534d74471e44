import { failoverTaintValue, retiringTaint } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import type { LeafLossPolicy } from './policy.ts'

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number]

/** Non-graceful node shutdown (KEP-2268): pod garbage collection ends the pods of a node that is not Ready and has this taint. */
const outOfService: Taint = {
  key: 'node.kubernetes.io/out-of-service',
  value: failoverTaintValue,
  effect: 'NoExecute',
}

export interface FailoverView {
  readonly node: Node
  readonly policy: LeafLossPolicy
  /** Whether the leaf answers again and has no copy of a pod that was replaced. */
  readonly isSettled: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type FailoverStep =
  | { readonly do: 'none' }
  | { readonly do: 'wait'; readonly afterMs: number }
  /** Set this list of taints, by which the node is out of service, unless there is nowhere to go. */
  | { readonly do: 'failOver'; readonly taints: readonly Taint[] }
  /** Set this list of taints, by which it is back. */
  | { readonly do: 'takeBack'; readonly taints: readonly Taint[] }

/** Between looks at whether a leaf that came back has removed what was replaced. */
const SETTLE_MS = 1_000

/** The next step for one virtual node. It is lost when the root says Unknown of it, because its Lease ran out. Pure. */
export function failoverStep({ node, policy, isSettled, now }: FailoverView): FailoverStep {
  const taints = node.spec?.taints ?? []
  const others = taints.filter((taint) => !isOurs(taint))
  const isOut = others.length < taints.length
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  const isLost = ready?.status === 'Unknown'
  if (policy.onLeafLoss !== 'Failover') return isOut ? { do: 'takeBack', taints: others } : { do: 'none' }
  if (isOut) {
    if (isLost) return { do: 'none' }
    return isSettled ? { do: 'takeBack', taints: others } : { do: 'wait', afterMs: SETTLE_MS }
  }
  // Somebody has declared it out of service: that is theirs to take back.
  if (!isLost || taints.some(({ key }) => key === outOfService.key)) return { do: 'none' }
  const due = Date.parse(ready.lastTransitionTime ?? '') + policy.failoverAfterSeconds * 1000
  if (due > now) return { do: 'wait', afterMs: due - now }
  return { do: 'failOver', taints: [...taints, outOfService] }
}

function isOurs({ key, value }: Taint): boolean {
  return key === outOfService.key && value === failoverTaintValue
}

/** Whether pods of a Cluster could run on a node instead: on one that is not its own and takes pods. */
export function isAlternative({ metadata, spec, status }: Node, isOfCluster: boolean): boolean {
  const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const isClosed = spec?.unschedulable || spec?.taints?.some(({ key }) => key === retiringTaint.key)
  return !isOfCluster && isReady && !isClosed && metadata.deletionTimestamp === undefined
}
