import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { nextShare, type Seat } from '../seats/seats.ts'

/**
 * Whether a share has a node for a pod: one that has room, one that has it once kube-scheduler has preempted pods of a lower priority, only such as are kept for a pod that comes first, none that has, only such as have
 * lately taken none like it, none that takes it, or none at all.
 */
export type Offer = 'room' | 'byPreemption' | Obstacle

/** Why a pod waits in front of its place. */
export type Obstacle = 'reserved' | 'noRoom' | 'refused' | 'noNode' | 'noValue'

/** What is known when a pod gets its place. */
export interface PlacementView {
  readonly policy: CompiledPolicy
  /** How many pods that are counted together each share has. */
  readonly taken: readonly number[]
  /** The values of the topology key that the pod asks for, or has its volumes at; undefined: any. */
  readonly asked: ReadonlySet<string> | undefined
  readonly offerOf: (share: number) => Offer
}

export type Placement =
  /** `offer` is an obstacle: the place is the pod's, and it waits for a node there. */
  | { readonly kind: 'share'; readonly share: number; readonly offer: Offer }
  /** Where there is room. `own`: its place if there is none anywhere without preemption. */
  | { readonly kind: 'anywhere'; readonly own?: Placement & { kind: 'share' } }
  /** Every place is taken. */
  | { readonly kind: 'wait' }

/** Decides where a pod goes. Pure; the live path, explain and simulate all call this. */
export function place({ policy, taken, asked, offerOf }: PlacementView): Placement {
  const { shares, method, isRequired, waitsForNodes } = policy
  const isAsked = (share: number) => asked === undefined || asked.has(shares[share]?.name ?? '')
  // The pod wants to be where the policy gives nothing: then it is not the policy's.
  if (asked !== undefined && !shares.some(({ name }) => asked.has(name))) return { kind: 'anywhere' }
  const first = nextShare(shares, method, taken, isAsked)
  if (first === undefined) return isRequired ? { kind: 'wait' } : { kind: 'anywhere' }
  const own: Placement & { kind: 'share' } = { kind: 'share', share: first, offer: offerOf(first) }
  if (waitsForNodes || own.offer === 'room') return own
  const other = (offer: Offer): (Placement & { kind: 'share' }) | undefined => {
    const share = nextShare(shares, method, taken, (share) => isAsked(share) && offerOf(share) === offer)
    return share === undefined ? undefined : { kind: 'share', share, offer }
  }
  const roomy = other('room')
  if (roomy) return roomy
  const best = other('byPreemption') ?? own
  return isRequired ? best : { kind: 'anywhere', own: best }
}

/** The lowest number that is free, so that the numbers of a share have no holes for long. */
export function freeSeat(share: number, numbers: Pick<ReadonlySet<number>, 'has'>): Seat {
  let number = 1
  while (numbers.has(number)) number++
  return { share, number }
}
