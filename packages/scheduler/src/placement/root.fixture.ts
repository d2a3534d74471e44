import assert from 'node:assert/strict'
import { keyOf, type Node, type ObjectKey, type Pod } from '@kosmos/kube'
import type { StoredPolicy } from '../policies/compiled-policy.ts'
import type { Reach } from '../volumes/reach.ts'
import type { LedgerChange } from './ledger.ts'
import { openPatch, seatPatch } from './patch.ts'
import { gatesOfOthers, isGated } from './standing.ts'
import { type Decision, PlacementState } from './state.ts'

/** A scheduler that hears of everything at once and has no clock, in front of a root that shows what it sends when it is asked to. */
export class Root {
  readonly nodes = new Map<string, Node>()
  readonly pods = new Map<ObjectKey, Pod>()
  readonly policies = new Map<ObjectKey, StoredPolicy>()
  readonly reaches = new Map<ObjectKey, Reach>()
  readonly state = new PlacementState(this.nodes, () => 0)
  readonly #held = new Map<ObjectKey, Decision>()
  readonly #due = new Set<ObjectKey>()
  /** What is sent, and not shown yet. */
  readonly #sent = new Map<ObjectKey, Pod>()

  setPolicy(policy: StoredPolicy): void {
    this.policies.set(keyOf(policy), policy)
    this.state.setPolicy(policy)
    this.#policyChanged(keyOf(policy))
  }

  deletePolicy(key: ObjectKey): void {
    const policy = this.policies.get(key)
    if (policy === undefined) return
    this.policies.delete(key)
    this.state.deletePolicy(policy)
    this.#policyChanged(key)
  }

  #policyChanged(key: ObjectKey): void {
    this.state.ledger.forget(key)
    for (const pod of this.pods.values()) {
      this.#changed(this.state.setPod(pod))
      this.#due.add(keyOf(pod))
    }
  }

  setNode(node: Node): void {
    const { name } = node.metadata
    const old = this.nodes.get(name)
    this.nodes.set(name, node)
    const isOther = this.state.vacancies.setNode(node, old)
    this.#nodeChanged(name, isOther)
  }

  deleteNode(name: string): void {
    if (!this.nodes.delete(name)) return
    this.state.vacancies.deleteNode(name)
    this.#nodeChanged(name, true)
  }

  #nodeChanged(name: string, isOther: boolean): void {
    this.#roomChanged(name)
    this.#freed()
    if (!isOther) return
    for (const pod of this.pods.values()) if (pod.spec.nodeName === name) this.#changed(this.state.setPod(pod))
  }

  setPod(pod: Pod): void {
    const key = keyOf(pod)
    this.pods.set(key, pod)
    this.#changed(this.state.setPod(pod))
    if (isGated(pod)) this.#due.add(key)
    else this.#held.delete(key)
  }

  deletePod(key: ObjectKey): void {
    const pod = this.pods.get(key)
    if (pod === undefined) return
    this.pods.delete(key)
    this.#sent.delete(key)
    this.#changed(this.state.deletePod(key))
    if (isGated(pod)) this.#due.add(key)
    else this.#held.delete(key)
  }

  /** Shows what was sent. */
  show(key: ObjectKey): void {
    const pod = this.#sent.get(key)
    this.#sent.delete(key)
    if (pod && this.pods.has(key)) this.setPod(pod)
  }

  /** Until nothing is due and all is shown. */
  settle(): void {
    for (let rounds = 0; this.#due.size > 0 || this.#sent.size > 0; rounds++) {
      assert(rounds < 1_000, 'it comes to no rest')
      for (const key of [...this.#due]) this.look(key)
      for (const key of [...this.#sent.keys()]) this.show(key)
    }
  }

  /** Returns whether the gate of the pod is opened. */
  look(key: ObjectKey): boolean {
    this.#due.delete(key)
    this.#held.delete(key)
    const pod = this.pods.get(key)
    // A request for it is under way.
    if (this.#sent.has(key)) return false
    if (!pod || pod.metadata.deletionTimestamp || !isGated(pod) || gatesOfOthers(pod).length > 0) return false
    this.state.setReach(key, this.reaches.get(key))
    const decision = this.state.decide(pod)
    this.#changed(this.state.commit(pod, decision))
    if (decision.kind === 'wait') {
      if (this.state.waitsForVolumes(key)) this.#held.set(key, decision)
      return false
    }
    if (decision.kind === 'anywhere') {
      this.#sent.set(key, opened(pod, openPatch(pod, undefined, decision)))
      return true
    }
    if (decision.aim === undefined) {
      this.#held.set(key, decision)
      return false
    }
    const patch =
      decision.kind === 'seat'
        ? seatPatch(pod, decision.policy, decision.seat, decision)
        : openPatch(pod, decision.policy, decision)
    this.#sent.set(key, opened(pod, patch))
    return true
  }

  #changed(changes: readonly LedgerChange[]): void {
    this.#freed()
    for (const { next } of changes) for (const key of next) this.#due.add(key)
  }

  #freed(): void {
    for (const node of this.state.vacancies.takeFreed()) this.#roomChanged(node)
  }

  #roomChanged(name: string): void {
    for (const [key, decision] of this.#held) {
      const pod = this.pods.get(key)
      if (pod && this.state.roomWithinMs(pod, decision, name) !== undefined) this.#due.add(key)
    }
  }
}

/** As the API server has it once the patch is there. */
function opened(pod: Pod, patch: object): Pod {
  const { metadata, spec } = patch as Pod
  const { schedulingGates: _, ...open } = {
    ...pod.spec,
    ...spec,
    nodeSelector: { ...pod.spec.nodeSelector, ...spec.nodeSelector },
  }
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...metadata.annotations } },
    spec: open,
  }
}
