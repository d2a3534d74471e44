import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { nextShare, type Seat } from '../seats/seats.ts'

/** What is known when a pod gets its place. */
export interface PlacementView {
  readonly policy: CompiledPolicy
  /** How many pods that are counted together each share has. */
  readonly taken: readonly number[]
  /** The value of the topology key that the pod itself asks for, by its nodeSelector. */
  readonly asked: string | undefined
  /** Whether a node of this share is there for the pod. */
  readonly isOffered: (share: number) => boolean
}

export type Placement =
  | { readonly kind: 'share'; readonly share: number }
  /** Where kube-scheduler puts it. */
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'wait'; readonly reason: 'QuotaReached' }

/** Decides where a pod goes. Pure; the live path, explain and simulate all call this. */
export function place({ policy, taken, asked, isOffered }: PlacementView): Placement {
  const { shares, method, isRequired, waitsForNodes } = policy
  const isAsked = (share: number) => asked === undefined || shares[share]?.name === asked
  // The pod wants to be where the policy gives nothing: then it is not the policy's.
  if (asked !== undefined && !shares.some(({ name }) => name === asked)) return { kind: 'anywhere' }
  const first = nextShare(shares, method, taken, isAsked)
  if (first === undefined) return isRequired ? { kind: 'wait', reason: 'QuotaReached' } : { kind: 'anywhere' }
  if (waitsForNodes || isOffered(first)) return { kind: 'share', share: first }
  const offered = nextShare(shares, method, taken, (share) => isAsked(share) && isOffered(share))
  if (offered !== undefined) return { kind: 'share', share: offered }
  return isRequired ? { kind: 'share', share: first } : { kind: 'anywhere' }
}

/** The lowest number that is free, so that the numbers of a share have no holes for long. */
export function freeSeat(share: number, numbers: ReadonlySet<number>): Seat {
  let number = 1
  while (numbers.has(number)) number++
  return { share, number }
}
