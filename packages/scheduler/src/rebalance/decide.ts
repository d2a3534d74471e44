import type { ObjectKey, Pod } from '@kosmos/kube'
import type { Group } from '../placement/group.ts'
import { type Offer, place } from '../placement/place.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { controllerOf } from '../policies/workload.ts'

export interface RebalanceView {
  readonly policy: CompiledPolicy
  readonly groups: readonly Group[]
  readonly podOf: (key: ObjectKey) => Pod | undefined
  /** What a share has for one more pod like this one. */
  readonly offerOf: (pod: Pod, share: number) => Offer
}

export type Rebalance =
  /** Its successor would go to this value of the topology key. */
  | { readonly kind: 'evict'; readonly pod: Pod; readonly value: string }
  /** `settling`: pods of the policy wait, or too many are not Ready. `stuck`: none has room where it belongs, or may be moved. */
  | { readonly kind: 'none'; readonly why: 'off' | 'even' | 'settling' | 'stuck' }

/** Which pod of a policy is to be evicted next, so that its successor goes where it belongs. Pure. */
export function rebalance({ policy, groups, podOf, offerOf }: RebalanceView): Rebalance {
  if (policy.rebalance === undefined) return { kind: 'none', why: 'off' }
  const uneven = groups
    .map((group) => ({ group, desired: group.desired }))
    .filter(({ group, desired }) => desired.some((count, share) => (group.taken[share] ?? 0) < count))
  if (uneven.length === 0) return { kind: 'none', why: 'even' }
  const isWaiting = groups.some(({ waiting, held }) => waiting + held > 0)
  const unready = groups.reduce((sum, group) => sum + group.unready, 0)
  if (isWaiting || unready >= policy.rebalance.maxUnavailable) return { kind: 'none', why: 'settling' }
  for (const { group, desired } of uneven) {
    for (const { pod, share } of movable(group, desired, podOf)) {
      const taken = group.taken.map((count, i) => (i === share ? count - 1 : count))
      const next = place({ policy, taken, asked: undefined, offerOf: (other) => offerOf(pod, other) })
      if (next.kind !== 'share' || next.offer !== 'room') continue
      // Where nobody is missing it would only be in the way again: no pod goes back and forth.
      if ((group.taken[next.share] ?? 0) >= (desired[next.share] ?? 0)) continue
      return { kind: 'evict', pod, value: policy.shares[next.share]?.name ?? '' }
    }
  }
  return { kind: 'none', why: 'stuck' }
}

/** Pods that have a place beyond what belongs there, those whose seats come last first; those that are where no share is before them. */
function* movable(group: Group, desired: readonly number[], podOf: RebalanceView['podOf']) {
  const placed = [...group.standings()].filter(([, { share }]) =>
    share === undefined ? true : (group.taken[share] ?? 0) > (desired[share] ?? 0),
  )
  const order = (number: number | undefined) => number ?? Number.POSITIVE_INFINITY
  placed.sort(([a, one], [b, other]) => {
    const isElsewhere = Number(one.share !== undefined) - Number(other.share !== undefined)
    return isElsewhere || order(other.number) - order(one.number) || (a < b ? -1 : 1)
  })
  for (const [key, { share }] of placed) {
    const pod = podOf(key)
    if (pod && isMovable(pod)) yield { pod, share }
  }
}

/** Somebody makes another, who does not take it for a failure, and it has no volume that stays where it is. */
function isMovable(pod: Pod): boolean {
  const owner = controllerOf(pod)
  return (
    owner !== undefined &&
    owner.kind !== 'Job' &&
    pod.spec.nodeName !== undefined &&
    !pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim)
  )
}
