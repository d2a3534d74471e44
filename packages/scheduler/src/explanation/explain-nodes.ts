import { askedPlaceAnnotation, placementGate, roomAtAnnotation, seatAnnotation } from '@kosmos/api'
import { keyOf, type Pod } from '@kosmos/kube'
import type { Candidate } from '../nodes/candidates.ts'
import { unaimed } from '../placement/requirements.ts'
import { policyOf } from '../policies/compiled-policy.ts'
import { decideWaiting, stateOf, type World } from '../simulation.ts'
import type { Objection } from './objections.ts'

export interface NodesExplanation {
  /** The nodes that would take it, in the order in which it would be given to them if no share decided. */
  readonly candidates: readonly Candidate[]
  /** The first rule that is against each of the others, and against those that have no room. */
  readonly objections: readonly Objection[]
}

/** What every node is for a pod, if that were made anew now: why it is where it is, and not elsewhere. */
export function explainNodes(world: World, pod: Pod): NodesExplanation {
  const key = keyOf(pod)
  const state = stateOf({ ...world, pods: world.pods.filter((other) => keyOf(other) !== key) })
  decideWaiting(
    state,
    world.pods.filter((other) => keyOf(other) !== key),
  )
  const fresh = asNew(pod, policyOf(pod, state.policies.in(pod.metadata.namespace))?.topologyKey)
  state.setPod(fresh)
  const objections = world.nodes.flatMap((node) => state.objection(fresh, node) ?? [])
  return { candidates: state.candidates(fresh), objections }
}

/** The pod as it was when it was created: what its place has brought is not its own. */
function asNew(pod: Pod, topologyKey: string | undefined): Pod {
  const {
    [seatAnnotation]: seat,
    [roomAtAnnotation]: room,
    [askedPlaceAnnotation]: asked,
    ...annotations
  } = pod.metadata.annotations ?? {}
  const { nodeName: _, ...spec } = room === undefined ? pod.spec : unaimed(pod.spec)
  const nodeSelector = Object.entries(spec.nodeSelector ?? {}).filter(
    ([name]) => seat === undefined || name !== topologyKey || asked !== undefined,
  )
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...spec, nodeSelector: Object.fromEntries(nodeSelector), schedulingGates: [{ name: placementGate }] },
    status: {},
  }
}
