import { distributionPolicyAnnotation } from '@kosmos/api'
import { keyOf, type Pod } from '@kosmos/kube'
import {
  becomesOf,
  gatesOfOthers,
  holdIn,
  isGated,
  type SeenClaim,
  stuckAt,
  whyItStays,
  whyWaiting,
} from '@kosmos/scheduler'
import { meaningOf } from '../placement/outcome.ts'
import type { Seen } from '../placement/world.ts'

/**
 * What a pod waits for that has no node, or none in its leaf, a sentence each, by the functions that decide in the scheduler. Pure.
 * @param claims undefined: they may not be read
 */
export function whyUnplaced(pod: Pod, seen: Seen, claims: readonly SeenClaim[] | undefined): string[] {
  const stuck = takenBack(pod, seen, claims)
  if (pod.spec.nodeName) return stuck
  return [isGated(pod) ? whyGated(pod, seen) : unscheduled(pod), ...stuck]
}

/** What the scheduler decides about a pod that waits for its place. */
function whyGated(pod: Pod, { world, decides }: Seen): string {
  const gates = gatesOfOthers(pod)
  if (gates.length > 0) return `the scheduling gates of others, before which it gets no place: ${gates.join(', ')}`
  if (!decides) return 'its place; why it waits for that depends on what could not be read: its Events say it'
  const decision = whyWaiting(world).get(keyOf(pod))
  const kept = decision?.kept === undefined ? '' : `; node ${decision.kept} is kept for it from those that come later`
  return decision ? `its place: it ${meaningOf(decision)}${kept}` : 'the scheduler of Kosmos, which opens its gate'
}

/** What becomes of a pod that was placed, and that its leaf or the root's scheduler finds no node for. */
function takenBack(pod: Pod, { world, decides }: Seen, claims: readonly SeenClaim[] | undefined): string[] {
  const stuck = stuckAt(pod)
  if (stuck === undefined) return []
  const awaited = stuck.by === 'leaf' ? 'room in its leaf' : 'a node where it has its place'
  const unknown = `${awaited}; whether it is taken back depends on what could not be read: its Events say it`
  const hold = claims && holdIn(claims)
  if (claims === undefined || (!decides && hold === undefined && stuck.by === 'root')) return [unknown]
  const action = becomesOf(world, pod, stuck, hold)
  if (action === undefined) return []
  if (action === 'evict') {
    return ['the scheduler of Kosmos, which takes it back when this lasts; its successor gets another place']
  }
  return [`${awaited}: it is not taken back, since ${whyItStays(action)}`]
}

/** Pure. */
export function unscheduled({ metadata, status }: Pick<Pod, 'metadata' | 'status'>): string {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const policy = metadata.annotations?.[distributionPolicyAnnotation]
  // What a policy has added to the pod is in nobody's manifest.
  const by = policy === undefined ? '' : `, where it may go says ${policy}`
  return `the root's scheduler has not bound it to a node${by}${scheduled?.message ? `: ${scheduled.message}` : ''}`
}
