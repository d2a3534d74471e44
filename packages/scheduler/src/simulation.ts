import { clusterLabel, placementGate } from '@kosmos/api'
import { keyOf, type Namespace, type Node, type ObjectKey, type Pod } from '@kosmos/kube'
import type { StoredDistribution } from './distributions/compiled-distribution.ts'
import type { Candidate } from './nodes/candidates.ts'
import { isCounted, isGated } from './placement/standing.ts'
import { type Decision, PlacementState } from './placement/state.ts'
import type { StoredPolicy } from './policies/compiled-policy.ts'
import { isBefore, turnOf } from './reservations/turn.ts'
import { isPlaced, type Stuck, type TakeBack, takeBack } from './take-back/decide.ts'
import type { Hold } from './take-back/hold.ts'
import type { Reach } from './volumes/reach.ts'

/** What the root holds, from lists. */
export interface World {
  readonly policies: readonly StoredPolicy[]
  readonly distributions: readonly StoredDistribution[]
  /** At least those with the label of placement. */
  readonly namespaces: readonly Namespace[]
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
  /** What the volumes of pods say about their nodes, by the pod; of others nothing is known. */
  readonly reaches?: ReadonlyMap<ObjectKey, Reach>
}

/** A world as if one cluster were not there. */
export function without({ nodes, pods, ...rest }: World, cluster: string): World {
  const remaining = nodes.filter(({ metadata }) => metadata.labels?.[clusterLabel] !== cluster)
  const names = new Set(remaining.map(({ metadata }) => metadata.name))
  return { ...rest, nodes: remaining, pods: pods.filter(({ spec }) => !spec.nodeName || names.has(spec.nodeName)) }
}

/** The state that the scheduler has when it has seen this world. */
export function stateOf({
  policies,
  distributions,
  namespaces,
  nodes,
  pods,
  reaches = new Map(),
}: World): PlacementState {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]))
  let seeing: number | undefined
  const state = new PlacementState(byName, () => seeing ?? Date.now())
  for (const distribution of distributions) state.distributions.set(distribution)
  for (const namespace of namespaces) state.bestFit.set(namespace)
  for (const policy of policies) state.setPolicy(policy)
  for (const node of nodes) state.vacancies.setNode(node, undefined)
  for (const pod of pods) {
    // As it would have been seen: what has long run is in its node's own word.
    seeing = startOf(pod)
    state.setPod(pod)
  }
  seeing = undefined
  for (const [key, reach] of reaches) state.setReach(key, reach)
  return state
}

/** When its node began to run it, in milliseconds since the epoch; undefined: that is not known. */
function startOf({ status }: Pod): number | undefined {
  const { startTime } = (status ?? {}) as { readonly startTime?: string }
  return startTime === undefined ? undefined : Date.parse(startTime)
}

/** What would become of a pod. */
export type Foreseen = Decision & {
  /** The pods of a lower priority on its node of which kube-scheduler preempts as few as it needs; empty: it needs none. */
  readonly givingWay: readonly ObjectKey[]
}

/** What would become of pods that are created now, in this order: the decisions of the live path, carried out by nobody. */
export function simulate(world: World, pods: readonly Pod[]): Foreseen[] {
  const state = stateOf(world)
  const gated = pods.map((pod) => ({ ...pod, spec: { ...pod.spec, schedulingGates: [{ name: placementGate }] } }))
  // Those that wait already may have nodes kept for them.
  const present = waitingIn(world)
  const decisions = new Map(decideAll(state, present).map((decision, i) => [present[i], decision] as const))
  for (const pod of gated) state.setPod(pod)
  for (const [i, decision] of decideAll(state, gated).entries()) decisions.set(gated[i], decision)
  // As the scheduler does: who was to wait at one place may be at another by what came after, and leave the first to a third.
  const waiting = inTurn([...present, ...gated].filter((pod) => isWaiting(decisions.get(pod))))
  for (const [i, decision] of decideAll(state, waiting).entries()) decisions.set(waiting[i], decision)
  return gated.flatMap((pod) => decisions.get(pod) ?? [])
}

/** Whether a pod stays at the gate. */
const isWaiting = (decision: Decision | undefined): boolean =>
  decision?.kind === 'wait' || (decision !== undefined && 'aim' in decision && decision.aim === undefined)

/** Why a pod waits, if it does. */
export type WhyWaiting = Decision & {
  /** The node that is kept for it from those that come later. */
  readonly kept: string | undefined
}

/** What is decided now about each pod that waits in this world, by its key. */
export function whyWaiting(world: World): Map<string, WhyWaiting> {
  const state = stateOf(world)
  const waiting = waitingIn(world)
  const decisions = decideAll(state, waiting)
  return new Map(
    waiting.flatMap((pod, i) => {
      const [key, decision] = [keyOf(pod), decisions[i]]
      return decision ? [[key, { ...decision, kept: state.vacancies.reservations.nodeFor(key) }] as const] : []
    }),
  )
}

/** Decides about those that wait, so that nodes are kept as they are in the scheduler. */
export function decideWaiting(state: PlacementState, pods: readonly Pod[]): Decision[] {
  return decideAll(state, waitingIn({ pods }))
}

/** Pods at our gate alone, in the order of their turns. */
function waitingIn({ pods }: Pick<World, 'pods'>): Pod[] {
  return inTurn(pods.filter((pod) => isGated(pod) && isCounted(pod)))
}

const inTurn = (pods: readonly Pod[]): Pod[] => pods.toSorted((a, b) => (isBefore(turnOf(a), turnOf(b)) ? -1 : 1))

/** The nodes that would take a pod, in the order in which it would be given to them if no share decided. */
export function candidatesOf(world: World, pod: Pod): Candidate[] {
  const state = stateOf(world)
  state.setPod(pod)
  return state.candidates(pod)
}

/**
 * What becomes of a pod that is stuck, when that lasts; undefined: we did not place it.
 * @param hold of its claims
 */
export function becomesOf(world: World, pod: Pod, stuck: Stuck, hold: Hold | undefined): TakeBack | undefined {
  if (!isPlaced(pod)) return undefined
  const state = stateOf(world)
  if (hold === undefined) state.refuse(pod, stuck.words)
  return takeBack(pod, stuck, hold, () => state.successorOf(pod))
}

/** One after the other, each with what the ones before it have taken. */
function decideAll(state: PlacementState, pods: readonly Pod[]): Foreseen[] {
  return pods.map((pod) => {
    const decision = state.decide(pod)
    const givingWay = state.givingWay(pod, decision)
    state.commit(pod, decision)
    return { ...decision, givingWay }
  })
}
