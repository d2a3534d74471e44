import { distributionPolicyAnnotation } from '@kosmos/api'
import { type Client, keyOf, type Pod } from '@kosmos/kube'
import { becomesOf, gatesOfOthers, isGated, readHold, stuckAt, whyItStays, whyWaiting } from '@kosmos/scheduler'
import { meaningOf } from '../placement/outcome.ts'
import { isForbidden, type Unread } from '../placement/reading.ts'
import type { Seen } from '../placement/world.ts'

export interface Unplaced {
  /** A sentence each. */
  readonly waitsFor: readonly string[]
  readonly unread: readonly Unread[]
}

/** What a pod waits for that has no node, or none in its leaf, by the functions that decide in the scheduler. */
export async function whyUnplaced(root: Client, pod: Pod, seen: Seen): Promise<Unplaced> {
  const { waitsFor, unread } = await takenBack(root, pod, seen)
  if (pod.spec.nodeName) return { waitsFor, unread }
  return { waitsFor: [isGated(pod) ? whyGated(pod, seen) : unscheduled(pod), ...waitsFor], unread }
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
async function takenBack(root: Client, pod: Pod, { world, decides }: Seen): Promise<Unplaced> {
  const stuck = stuckAt(pod)
  if (stuck === undefined) return { waitsFor: [], unread: [] }
  const awaited = stuck.by === 'leaf' ? 'room in its leaf' : 'a node where it has its place'
  const unknown = `${awaited}; whether it is taken back depends on what could not be read: its Events say it`
  try {
    const hold = await readHold(root, pod)
    if (!decides && hold === undefined && stuck.by === 'root') return { waitsFor: [unknown], unread: [] }
    const action = becomesOf(world, pod, stuck, hold)
    if (action === undefined) return { waitsFor: [], unread: [] }
    const sentence =
      action === 'evict'
        ? 'the scheduler of Kosmos, which takes it back when this lasts; its successor gets another place'
        : `${awaited}: it is not taken back, since ${whyItStays(action)}`
    return { waitsFor: [sentence], unread: [] }
  } catch (error) {
    if (!isForbidden(error)) throw error
    const what = 'its claims, and where their volumes may be'
    return { waitsFor: [unknown], unread: [{ what, why: error.status.message ?? error.message, isOfOthers: false }] }
  }
}

/** Pure. */
export function unscheduled({ metadata, status }: Pick<Pod, 'metadata' | 'status'>): string {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const policy = metadata.annotations?.[distributionPolicyAnnotation]
  // What a policy has added to the pod is in nobody's manifest.
  const by = policy === undefined ? '' : `, where it may go says ${policy}`
  return `the root's scheduler has not bound it to a node${by}${scheduled?.message ? `: ${scheduled.message}` : ''}`
}
