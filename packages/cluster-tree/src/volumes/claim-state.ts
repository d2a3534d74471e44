import { isLost, isOf, type VolumeView } from './plan.ts'

/** How a claim that a pod needs is in the leaf. */
export type ClaimState =
  /** The leaf has it; whether it is bound there is the leaf's scheduler's business. */
  | 'current'
  /** On its way. */
  | 'pending'
  | 'missing'
  /** It has no volume, and this leaf is not to make one. */
  | 'unbound'
  /** Bound to a volume that is not in this leaf. */
  | 'elsewhere'
  /** The leaf had it, and its claim is gone there. */
  | 'lost'
  | 'refused'

/** The state of a claim of the root whose volume this leaf alone has or would have. Pure. */
export function claimStateOf(
  { claim, volumes, leafClaim, isAskedFor }: Pick<VolumeView, 'claim' | 'volumes' | 'leafClaim' | 'isAskedFor'>,
  isRefused: boolean,
): ClaimState {
  if (!claim) return 'missing'
  const { volumeName } = claim.spec ?? {}
  if (volumes.length === 0 && !isAskedFor && claim.status?.phase !== 'Bound') return 'unbound'
  const own = volumes.find(({ metadata }) => metadata.name === volumeName)
  if (volumeName && !own) return 'elsewhere'
  if (leafClaim && isOf(leafClaim, claim.metadata.uid)) return 'current'
  if (!leafClaim && own && isLost(own)) return 'lost'
  return isRefused ? 'refused' : 'pending'
}
