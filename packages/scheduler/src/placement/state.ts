import { seatAnnotation } from '@kosmos/api'
import { keyOf, type Node, type ObjectKey, type Pod, type ResourceList } from '@kosmos/kube'
import type { Distribution } from '../distributions/compiled-distribution.ts'
import { constrained } from '../distributions/constraints.ts'
import { DistributionBook } from '../distributions/distribution-book.ts'
import { isSameOffer, NodeOffers } from '../nodes/offers.ts'
import { Refusals } from '../nodes/refusals.ts'
import { RoomBook, roomOf } from '../nodes/room-book.ts'
import type { CompiledPolicy, StoredPolicy } from '../policies/compiled-policy.ts'
import { PolicyBook } from '../policies/policy-book.ts'
import type { Seat } from '../seats/seats.ts'
import { readRefusals } from '../status/refusals.ts'
import { Ledger, type LedgerChange } from './ledger.ts'
import { freeSeat, type Offer, place } from './place.ts'
import { hasEnded } from './standing.ts'

/** What was decided about a gated pod. */
export type Decision = Place & {
  /** Which kind of nodes it may be on, whatever its place is. */
  readonly distribution: Distribution | undefined
}

type Place =
  /** `offer` is not `room`: the place is the pod's, and its gate stays shut until a node there has room. */
  | {
      readonly kind: 'seat'
      readonly policy: CompiledPolicy
      readonly seat: Seat
      readonly value: string
      readonly offer: Offer
      /** Nodes there that have lately taken none like it. */
      readonly avoid: readonly string[]
    }
  /** Where kube-scheduler puts it; without a policy when none selects it any more. */
  | { readonly kind: 'anywhere'; readonly policy: CompiledPolicy | undefined }
  /** Every place is taken. */
  | { readonly kind: 'wait'; readonly policy: CompiledPolicy }

export interface NodeSource {
  get(name: string): Node | undefined
  values(): Iterable<Node>
}

/**
 * All that decisions are made of, and the decisions. It makes no request: the controllers feed it from watches and carry out what
 * it says; a simulation feeds it from lists and carries out nothing.
 */
export class PlacementState {
  readonly policies = new PolicyBook()
  readonly distributions = new DistributionBook()
  readonly ledger: Ledger
  readonly refusals: Refusals
  readonly #nodes: NodeSource
  readonly #offers: NodeOffers
  readonly #room: RoomBook

  constructor(nodes: NodeSource, now: () => number = Date.now) {
    this.#nodes = nodes
    this.refusals = new Refusals(now)
    this.#room = new RoomBook(now)
    this.#offers = new NodeOffers(() => nodes.values())
    this.ledger = new Ledger({
      policiesIn: (namespace) => this.policies.in(namespace),
      labelOf: (nodeName, label) => nodes.get(nodeName)?.metadata.labels?.[label],
    })
  }

  /** A policy appeared or changed. Returns whether it places pods otherwise than before. */
  setPolicy(stored: StoredPolicy): boolean {
    const key = keyOf(stored)
    const { uid } = this.policies.get(key)?.stored.metadata ?? {}
    if (uid !== stored.metadata.uid) this.refusals.restore(key, readRefusals(stored))
    return this.policies.set(stored)
  }

  deletePolicy(stored: StoredPolicy): void {
    this.refusals.forget(keyOf(stored))
    this.policies.delete(stored)
  }

  /** A node appeared or changed. Returns whether its labels, taints or readiness did. */
  setNode(node: Node, old: Node | undefined): boolean {
    this.#room.setNode(node)
    const { name } = node.metadata
    this.refusals.nodeChanged(name, (requests) => this.#room.machinesFor(name, requests))
    if (old && isSameOffer(old, node)) return false
    this.#offers.invalidate()
    return true
  }

  deleteNode(name: string): void {
    this.#room.deleteNode(name)
    this.#offers.invalidate()
  }

  /** A pod appeared or changed. */
  setPod(pod: Pod): LedgerChange[] {
    const key = keyOf(pod)
    if (hasEnded(pod)) this.#room.release(key)
    else if (pod.spec.nodeName) this.#room.take(key, pod.spec.nodeName, roomOf(pod), pod.status?.phase !== 'Pending')
    return this.ledger.set(pod, key)
  }

  deletePod(key: ObjectKey): LedgerChange[] {
    this.#room.release(key)
    return this.ledger.delete(key)
  }

  /** Decides where a gated pod goes; the decision counts from {@link commit} on. */
  decide(pod: Pod): Decision {
    const distribution = this.distributions.of(pod)
    return { ...this.#place(distribution ? constrained(pod, distribution.constraints) : pod), distribution }
  }

  /** `pod`: with the constraints of its distribution. */
  #place(pod: Pod): Place {
    const key = keyOf(pod)
    const member = this.ledger.membership(key)
    if (member === undefined) return { kind: 'anywhere', policy: undefined }
    const { policy, group } = member
    const seatAt = (seat: Seat, offer: Offer): Place => {
      const value = policy.shares[seat.share]?.name ?? ''
      return { kind: 'seat', policy, seat, offer, value, avoid: this.#refusing(pod, policy, value) }
    }
    // An answer that did not arrive may have been a yes, so the same is asked again.
    const promised = this.ledger.promised(key)
    if (promised && !this.ledger.isHeld(key)) return seatAt(promised, 'room')
    if (promised) this.ledger.withdraw(pod, key)
    const requests = roomOf(pod)
    const placement = place({
      policy,
      taken: group.taken,
      asked: pod.spec.nodeSelector?.[policy.topologyKey],
      offerOf: (share) => this.#offerOf(pod, requests, policy, share),
    })
    if (placement.kind !== 'share') return { kind: placement.kind, policy }
    return seatAt(freeSeat(placement.share, group.numbers(placement.share)), placement.offer)
  }

  /** Counts a decision, before anybody can see it. */
  commit(pod: Pod, decision: Decision): LedgerChange[] {
    if (decision.kind !== 'seat') return []
    const key = keyOf(pod)
    const { policy, seat, value, offer, avoid, distribution } = decision
    const bound = distribution ? constrained(pod, distribution.constraints) : pod
    const asked = this.#nodesAt(bound, policy, value).filter((name) => !avoid.includes(name))
    const node = offer === 'room' ? this.#room.choose(asked, roomOf(pod)) : undefined
    if (node !== undefined) this.#room.take(key, node, roomOf(pod), false)
    return this.ledger.promise(pod, key, seat, offer !== 'room')
  }

  /** A decision was refused; `pod` as it is now, undefined if it is gone. */
  withdraw(key: ObjectKey, pod: Pod | undefined): LedgerChange[] {
    this.#room.release(key)
    return pod ? this.ledger.withdraw(pod, key) : this.ledger.delete(key)
  }

  /** How long until a held pod may find room although nothing is told; undefined: not at all. */
  roomWithinMs(pod: Pod, policy: CompiledPolicy, value: string): number | undefined {
    const distribution = this.distributions.of(pod)
    const names = this.#nodesAt(distribution ? constrained(pod, distribution.constraints) : pod, policy, value)
    const all = [this.#room.freesWithinMs(names), this.refusals.endsWithinMs(policy.key, names, roomOf(pod))]
    const known = all.filter((ms) => ms !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
  }

  /** The leaf of a pod found no node for it: pods like it are not sent there for a while. */
  refuse(pod: Pod, policy: ObjectKey, message: string): void {
    const { nodeName: node } = pod.spec
    if (node === undefined) return
    const requests = roomOf(pod)
    this.refusals.add(policy, { node, requests, message, machines: this.#room.machinesFor(node, requests) })
  }

  nodeOf({ spec }: Pod): Node | undefined {
    return spec.nodeName ? this.#nodes.get(spec.nodeName) : undefined
  }

  /** What a share has for one more pod like this one, wherever that one is. */
  offerAt(pod: Pod, policy: CompiledPolicy, share: number): Offer {
    const distribution = this.distributions.of(pod)
    const bound = distribution ? constrained(pod, distribution.constraints) : pod
    // A pod that has its place asks for that; what its template asks for is not in it any more.
    const { [policy.topologyKey]: place, ...nodeSelector } = bound.spec.nodeSelector ?? {}
    const hasPlace = place !== undefined && pod.metadata.annotations?.[seatAnnotation] !== undefined
    const asking = hasPlace ? { ...bound, spec: { ...bound.spec, nodeSelector } } : bound
    return this.#offerOf(asking, roomOf(pod), policy, share)
  }

  #offerOf(pod: Pod, requests: ResourceList, policy: CompiledPolicy, share: number): Offer {
    const names = this.#nodesAt(pod, policy, policy.shares[share]?.name ?? '')
    if (names.length === 0) return 'noNode'
    const asked = names.filter((name) => !this.refusals.isRefused(policy.key, name, requests))
    if (asked.length === 0) return 'refused'
    return this.#room.choose(asked, requests) === undefined ? 'noRoom' : 'room'
  }

  #refusing(pod: Pod, policy: CompiledPolicy, value: string): readonly string[] {
    const names = this.#nodesAt(pod, policy, value)
    return names.filter((name) => this.refusals.isRefused(policy.key, name, roomOf(pod)))
  }

  #nodesAt(pod: Pod, { topologyKey }: CompiledPolicy, value: string): readonly string[] {
    return this.#offers.nodesFor(pod, topologyKey).get(value) ?? []
  }
}
