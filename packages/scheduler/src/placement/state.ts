import { keyOf, type Node, type ObjectKey, type Pod, type ResourceList } from '@kosmos/kube'
import { isSameOffer, NodeOffers } from '../nodes/offers.ts'
import { RoomBook, roomOf } from '../nodes/room-book.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { PolicyBook } from '../policies/policy-book.ts'
import type { Seat } from '../seats/seats.ts'
import { Ledger, type LedgerChange } from './ledger.ts'
import { freeSeat, type Offer, place } from './place.ts'
import { hasEnded } from './standing.ts'

/** What was decided about a gated pod. */
export type Decision =
  /** `offer` is not `room`: the place is the pod's, and its gate stays shut until a node there has room. */
  | {
      readonly kind: 'seat'
      readonly policy: CompiledPolicy
      readonly seat: Seat
      readonly value: string
      readonly offer: Offer
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
  readonly ledger: Ledger
  readonly #nodes: NodeSource
  readonly #offers: NodeOffers
  readonly #room = new RoomBook()

  constructor(nodes: NodeSource) {
    this.#nodes = nodes
    this.#offers = new NodeOffers(() => nodes.values())
    this.ledger = new Ledger({
      policiesIn: (namespace) => this.policies.in(namespace),
      labelOf: (nodeName, label) => nodes.get(nodeName)?.metadata.labels?.[label],
    })
  }

  /** A node appeared or changed. Returns whether its labels, taints or readiness did. */
  setNode(node: Node, old: Node | undefined): boolean {
    this.#room.setNode(node)
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
    const key = keyOf(pod)
    const member = this.ledger.membership(key)
    if (member === undefined) return { kind: 'anywhere', policy: undefined }
    const { policy, group } = member
    const seatAt = (seat: Seat, offer: Offer): Decision => {
      return { kind: 'seat', policy, seat, offer, value: policy.shares[seat.share]?.name ?? '' }
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
    const { policy, seat, value, offer } = decision
    const node = offer === 'room' ? this.#room.choose(this.#nodesAt(pod, policy, value), roomOf(pod)) : undefined
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
    return this.#room.freesWithinMs(this.#nodesAt(pod, policy, value))
  }

  nodeOf({ spec }: Pod): Node | undefined {
    return spec.nodeName ? this.#nodes.get(spec.nodeName) : undefined
  }

  #offerOf(pod: Pod, requests: ResourceList, policy: CompiledPolicy, share: number): Offer {
    const names = this.#nodesAt(pod, policy, policy.shares[share]?.name ?? '')
    if (names.length === 0) return 'noNode'
    return this.#room.choose(names, requests) === undefined ? 'noRoom' : 'room'
  }

  #nodesAt(pod: Pod, { topologyKey }: CompiledPolicy, value: string): readonly string[] {
    return this.#offers.nodesFor(pod, topologyKey).get(value) ?? []
  }
}
