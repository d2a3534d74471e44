import { askedPlaceAnnotation, placementGate, roomAtAnnotation, seatAnnotation } from '@kosmos/api'
import { keyOf, type Pod } from '@kosmos/kube'
import type { Candidate } from '../nodes/candidates.ts'
import { asCreated } from '../placement/as-created.ts'
import type { Decision } from '../placement/state.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { decideWaiting, stateOf, type World } from '../simulation.ts'
import type { Objection } from './objections.ts'

export interface NodesExplanation {
  /** What would be decided about it. */
  readonly decision: Decision
  /** The nodes that would take it, in the order in which it would be given to them if no share decided. */
  readonly candidates: readonly Candidate[]
  /** The first rule that is against each of the others, and against those that have no room. */
  readonly objections: readonly Objection[]
}

/** What every node is for a pod, if that were made anew now: why it is where it is, and not elsewhere. */
export function explainNodes(world: World, pod: Pod): NodesExplanation {
  const others = world.pods.filter((other) => keyOf(other) !== keyOf(pod))
  const state = stateOf({ ...world, pods: others })
  decideWaiting(state, others)
  const fresh = asNew(pod, state.policies.of(pod))
  state.setPod(fresh)
  const objections = world.nodes.flatMap((node) => state.objection(fresh, node) ?? [])
  return { decision: state.decide(fresh), candidates: state.candidates(fresh), objections }
}

/** The pod as it was when it was created, at its gate. */
function asNew(pod: Pod, policy: CompiledPolicy | undefined): Pod {
  const { nodeName: _, ...spec } = asCreated(pod, policy).spec
  const {
    [seatAnnotation]: seat,
    [roomAtAnnotation]: room,
    [askedPlaceAnnotation]: asked,
    ...annotations
  } = pod.metadata.annotations ?? {}
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...spec, schedulingGates: [{ name: placementGate }] },
    status: {},
  }
}
