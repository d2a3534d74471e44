import { clusterLabel, placementGate } from '@kosmos/api'
import { keyOf, type Node, type Pod } from '@kosmos/kube'
import type { StoredDistribution } from './distributions/compiled-distribution.ts'
import { isGated } from './placement/standing.ts'
import { type Decision, PlacementState } from './placement/state.ts'
import type { StoredPolicy } from './policies/compiled-policy.ts'

/** What the root holds, from lists. */
export interface World {
  readonly policies: readonly StoredPolicy[]
  readonly distributions: readonly StoredDistribution[]
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
}

/** A world as if one cluster were not there. */
export function without({ nodes, pods, ...rest }: World, cluster: string): World {
  const remaining = nodes.filter(({ metadata }) => metadata.labels?.[clusterLabel] !== cluster)
  const names = new Set(remaining.map(({ metadata }) => metadata.name))
  return { ...rest, nodes: remaining, pods: pods.filter(({ spec }) => !spec.nodeName || names.has(spec.nodeName)) }
}

/** The state that the scheduler has when it has seen this world. */
export function stateOf({ policies, distributions, nodes, pods }: World): PlacementState {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]))
  const state = new PlacementState(byName)
  for (const distribution of distributions) state.distributions.set(distribution)
  for (const policy of policies) state.setPolicy(policy)
  for (const node of nodes) state.setNode(node, undefined)
  for (const pod of pods) state.setPod(pod)
  return state
}

/** What would become of pods that are created now, in this order: the decisions of the live path, carried out by nobody. */
export function simulate(world: World, pods: readonly Pod[]): Decision[] {
  const state = stateOf(world)
  const gated = pods.map((pod) => ({ ...pod, spec: { ...pod.spec, schedulingGates: [{ name: placementGate }] } }))
  for (const pod of gated) state.setPod(pod)
  return decideAll(state, gated)
}

/** What is decided now about each pod that waits in this world, by its key. */
export function whyWaiting(world: World): Map<string, Decision> {
  const state = stateOf(world)
  const waiting = world.pods.filter((pod) => isGated(pod) && pod.metadata.deletionTimestamp === undefined)
  const decisions = decideAll(state, waiting)
  return new Map(decisions.map((decision, i) => [keyOf(waiting[i] ?? {}), decision]))
}

/** One after the other, each with what the ones before it have taken. */
function decideAll(state: PlacementState, pods: readonly Pod[]): Decision[] {
  return pods.map((pod) => {
    const decision = state.decide(pod)
    state.commit(pod, decision)
    return decision
  })
}
