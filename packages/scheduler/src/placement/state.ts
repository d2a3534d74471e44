import { roomAtAnnotation } from '@kosmos/api'
import { keyOf, type Node, NodeAffinity, type ObjectKey, type Pod, type ResourceList } from '@kosmos/kube'
import type { Distribution } from '../distributions/compiled-distribution.ts'
import { constrained } from '../distributions/constraints.ts'
import { DistributionBook } from '../distributions/distribution-book.ts'
import { type Objection, objectionOfNode, objectionOfPolicy } from '../explanation/objections.ts'
import { type Candidate, compareCandidates } from '../nodes/candidates.ts'
import { isSameOffer, NodeOffers } from '../nodes/offers.ts'
import { Refusals } from '../nodes/refusals.ts'
import { RoomBook, roomOf } from '../nodes/room-book.ts'
import { BestFitNamespaces } from '../policies/best-fit.ts'
import type { CompiledPolicy, StoredPolicy } from '../policies/compiled-policy.ts'
import { PolicyBook } from '../policies/policy-book.ts'
import { type Rebalance, rebalance } from '../rebalance/decide.ts'
import { Reservations } from '../reservations/reservations.ts'
import type { Waiting } from '../reservations/reserve.ts'
import { turnOf } from '../reservations/turn.ts'
import type { Seat } from '../seats/seats.ts'
import { readRefusals } from '../status/refusals.ts'
import type { SuccessorView } from '../take-back/decide.ts'
import type { Reach } from '../volumes/reach.ts'
import { type Aim, aimAt } from './aim.ts'
import { asCreated } from './as-created.ts'
import { Ledger, type LedgerChange } from './ledger.ts'
import { belowMaxima } from './maxima.ts'
import { freeSeat, type Offer, place } from './place.ts'
import { requiring } from './requirements.ts'
import { hasEnded, isCounted, isGated, nodeTakenBy } from './standing.ts'

/** So long the room that comes up is for whoever fits first. */
const RESERVE_AFTER_MS = 60_000

/** What was decided about a gated pod. */
export type Decision = Place & {
  /** Which kind of nodes it may be on, whatever its place is. */
  readonly distribution: Distribution | undefined
}

/** `aim` is undefined: no node has room, `offer` says why, and the pod's gate stays shut until one has. */
interface Aimed {
  readonly offer: Offer
  readonly aim: Aim | undefined
  /** The pod that a node is kept for which would have room. */
  readonly behind?: ObjectKey
}

type Place =
  /** The place is the pod's, also while it waits for room there. */
  | (Aimed & { readonly kind: 'seat'; readonly policy: CompiledPolicy; readonly seat: Seat; readonly value: string })
  /** Wherever there is room; without a policy by what its namespace says. */
  | (Aimed & { readonly kind: 'anyRoom'; readonly policy: CompiledPolicy | undefined })
  /** Where kube-scheduler puts it, since nothing places it any more. */
  | { readonly kind: 'anywhere'; readonly policy: undefined }
  /** Every place is taken. */
  | { readonly kind: 'wait'; readonly policy: CompiledPolicy; readonly asked: ReadonlySet<string> | undefined }

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
  readonly bestFit = new BestFitNamespaces()
  readonly ledger: Ledger
  readonly refusals: Refusals
  readonly #offers: NodeOffers
  readonly #room: RoomBook
  readonly reservations: Reservations
  /** Policies of whose refusals a node has ended some, until that is told. */
  readonly #reopened = new Set<ObjectKey>()
  /** Where pods are kept whose gate is being opened. */
  readonly #aims = new Map<ObjectKey, { readonly uid: string; readonly place: string; readonly aim: Aim }>()

  /** Pods that have not got the room which they were sent to, by their uid. */
  readonly #roomless = new Map<ObjectKey, string>()
  /** Nodes that take pods after all, until that is told. */
  readonly #openNodes = new Set<string>()
  readonly #nodes: NodeSource
  /** What the volumes of gated pods say about their nodes. */
  readonly #reaches = new Map<ObjectKey, Reach>()

  /** @param reserveAfterMs how long a pod waits for room before a node is kept for it */
  constructor(nodes: NodeSource, now: () => number = Date.now, reserveAfterMs = RESERVE_AFTER_MS) {
    this.#nodes = nodes
    this.reservations = new Reservations({ now, afterMs: reserveAfterMs })
    this.refusals = new Refusals(now)
    this.#room = new RoomBook(now)
    this.#offers = new NodeOffers(() => nodes.values())
    this.ledger = new Ledger({
      policiesIn: (namespace) => this.policies.in(namespace),
      labelsOf: (nodeName) => {
        const node = nodes.get(nodeName)
        return node && (node.metadata.labels ?? {})
      },
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
    this.reservations.invalidate()
    const { name } = node.metadata
    for (const policy of this.refusals.nodeChanged(name, (requests) => this.#room.machinesFor(name, requests))) {
      this.#reopened.add(policy)
    }
    if (old && isSameOffer(old, node)) return false
    this.#offers.invalidate()
    return true
  }

  deleteNode(name: string): void {
    this.#room.deleteNode(name)
    this.reservations.invalidate()
    this.#offers.invalidate()
  }

  /** A pod appeared or changed. */
  setPod(pod: Pod): LedgerChange[] {
    const key = keyOf(pod)
    if (!isGated(pod) || this.#aims.get(key)?.uid !== pod.metadata.uid) this.#aims.delete(key)
    if (!isGated(pod) || !isCounted(pod)) this.reservations.delete(key)
    if (!isGated(pod)) this.#reaches.delete(key)
    this.#countRoom(pod, key)
    return this.ledger.set(pod, key)
  }

  #countRoom(pod: Pod, key: ObjectKey): void {
    const node = nodeTakenBy(pod)
    if (pod.spec.nodeName || pod.status?.nominatedNodeName || this.#roomless.get(key) !== pod.metadata.uid) {
      this.#roomless.delete(key)
    }
    if (hasEnded(pod) || this.#roomless.has(key)) this.#room.release(key)
    else if (node) this.#room.take(key, node, roomOf(pod), isKnownToItsNode(pod), pod.spec.priority)
  }

  deletePod(key: ObjectKey): LedgerChange[] {
    this.#aims.delete(key)
    this.#reaches.delete(key)
    this.#roomless.delete(key)
    this.reservations.delete(key)
    this.#room.release(key)
    return this.ledger.delete(key)
  }

  /** Says where the volumes of a gated pod can be had, before it is decided about; undefined: anywhere. */
  setReach(key: ObjectKey, reach: Reach | undefined): void {
    if (reach) this.#reaches.set(key, reach)
    else this.#reaches.delete(key)
  }

  /** Decides where a gated pod goes; the decision counts from {@link commit} on. */
  decide(pod: Pod): Decision {
    const { bound, distribution } = this.#bound(pod)
    return { ...this.#place(bound), distribution }
  }

  /** `pod`: with the constraints of its distribution. */
  #place(pod: Pod): Place {
    const key = keyOf(pod)
    const member = this.ledger.membership(key)
    if (member === undefined) {
      if (!this.bestFit.means(pod)) return { kind: 'anywhere', policy: undefined }
      return { kind: 'anyRoom', policy: undefined, ...this.#aimAnywhere(pod, undefined) }
    }
    const { policy, group } = member
    const promised = this.ledger.promised(key)
    const isOpening = promised !== undefined && !this.ledger.isHeld(key)
    if (this.ledger.isPromised(key) && !isOpening) this.ledger.withdraw(pod, key)
    const seatAt = (seat: Seat): Place => {
      const value = policy.shares[seat.share]?.name ?? ''
      const aimed = this.#aimFor(pod, { policy, value }, this.#nodesAt(pod, policy, value))
      return { kind: 'seat', policy, seat, value, ...aimed }
    }
    // An answer that did not arrive may have been a yes, so the same is asked again.
    if (isOpening) return seatAt(promised)
    const asked = this.#askedBy(pod, policy)
    const placement = place({
      policy,
      taken: group.taken,
      asked,
      offerOf: (share) => this.#offerOf(pod, policy, share),
    })
    const ownSeat = ({ share }: Pick<Seat, 'share'>) => seatAt(freeSeat(share, group.numbers(share)))
    if (placement.kind === 'wait') return { kind: 'wait', policy, asked }
    if (placement.kind === 'share') return ownSeat(placement)
    const aimed = this.#aimAnywhere(pod, policy)
    const isElsewhere = aimed.offer === 'room' || (aimed.aim !== undefined && placement.own?.offer !== 'byPreemption')
    return isElsewhere || placement.own === undefined ? { kind: 'anyRoom', policy, ...aimed } : ownSeat(placement.own)
  }

  /** Whom kube-scheduler may preempt where a decision counts on that, on the node that it names. */
  givingWay(pod: Pod, decision: Decision): ObjectKey[] {
    const isByPreemption = 'offer' in decision && decision.offer === 'byPreemption' && decision.aim !== undefined
    return isByPreemption ? this.#room.lowerOn(decision.aim.node, turnOf(pod).priority) : []
  }

  /** Counts a decision, before anybody can see it. */
  commit(pod: Pod, decision: Decision): LedgerChange[] {
    const key = keyOf(pod)
    if ('offer' in decision && decision.offer === 'noRoom')
      this.reservations.add(key, () => this.#waiting(pod, decision))
    else this.reservations.delete(key)
    const aim = 'aim' in decision ? decision.aim : undefined
    if (aim === undefined) {
      this.#aims.delete(key)
      this.#room.release(key)
    }
    if (decision.kind !== 'seat' && decision.kind !== 'anyRoom') return []
    if (aim) {
      this.#room.take(key, aim.node, roomOf(pod), false, pod.spec.priority)
      const value = decision.kind === 'seat' ? decision.value : undefined
      this.#aims.set(key, { uid: pod.metadata.uid, place: placeOf({ policy: decision.policy, value }), aim })
    }
    return decision.kind === 'seat' ? this.ledger.promise(pod, key, decision.seat, aim === undefined) : []
  }

  /** Nodes on which a pod has given room back, or that are kept for nobody any more, or for another; each is told once. */
  takeFreed(): string[] {
    const open = [...this.#openNodes]
    this.#openNodes.clear()
    return [...new Set([...this.#room.takeFreed(), ...this.reservations.takeReleased(), ...open])]
  }

  /** Policies of whose refusals a node has ended some, or time; each is told once. */
  takeReopened(): ObjectKey[] {
    const reopened = [...this.#reopened]
    this.#reopened.clear()
    return reopened
  }

  /** A decision was refused; `pod` as it is now, undefined if it is gone. */
  withdraw(key: ObjectKey, pod: Pod | undefined): LedgerChange[] {
    this.#aims.delete(key)
    this.#room.release(key)
    if (pod === undefined) return this.ledger.delete(key)
    // It may have its place by an earlier answer, which was lost.
    this.#countRoom(pod, key)
    return this.ledger.withdraw(pod, key)
  }

  /**
   * How long until a pod that waits for room is to be looked at again although nothing is told; undefined: not at all.
   * @param node the only one that is asked, since it has changed; 0 if it has room now, or has it once others are preempted
   */
  roomWithinMs(pod: Pod, decision: Decision, node?: string): number | undefined {
    const awaited = this.#awaitedBy(pod, decision)
    if (node !== undefined && !awaited.includes(node)) return undefined
    const names = node === undefined ? awaited : [node]
    const requests = roomOf(pod)
    if (node !== undefined && this.#mayTake(node, pod, requests)) return 0
    const refused = this.refusals.endsWithinMs(refusalKeyOf(pod, decision.policy), names, requests)
    const isBehind = 'offer' in decision && decision.offer === 'reserved'
    const reserved = isBehind ? this.reservations.changesWithinMs() : undefined
    const known = [this.#room.freesWithinMs(names), refused, reserved].filter((ms) => ms !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
  }

  #mayTake(node: string, pod: Pod, requests: ResourceList): boolean {
    if (this.#room.hasRoom(node, requests)) return true
    return mayPreempt(pod) && this.#room.chooseByPreemption([node], requests, turnOf(pod).priority) !== undefined
  }

  /** The leaf of a pod, or kube-scheduler where it is kept, found no node for it: pods like it are not sent there for a while. */
  refuse(pod: Pod, message: string): void {
    const key = refusalKeyOf(pod, this.ledger.membership(keyOf(pod))?.policy)
    const requests = roomOf(pod)
    for (const node of this.#refusing(pod, key, requests)) {
      this.refusals.add(key, { node, requests, message, machines: this.#room.machinesFor(node, requests) })
    }
  }

  /** A leaf has found none now. kube-scheduler goes on looking, so that it finds none is news only when a pause is over. */
  #refusing(pod: Pod, key: ObjectKey, requests: ResourceList): readonly string[] {
    const { nodeName } = pod.spec
    if (nodeName) return [nodeName]
    const { priority } = turnOf(pod)
    const aimedAt = pod.metadata.annotations?.[roomAtAnnotation]
    // Those that are full are left out by their room alone, and come back with it.
    const isOffered = (node: string) =>
      node === aimedAt ||
      this.#room.hasRoom(node, requests) ||
      (mayPreempt(pod) && this.#room.chooseByPreemption([node], requests, priority) !== undefined)
    return this.refusals.open(key, this.#triedFor(pod), requests).filter(isOffered)
  }

  /** The nodes that kube-scheduler has the choice of for a pod which has its place. */
  #triedFor(pod: Pod): readonly string[] {
    const aimedAt = pod.metadata.annotations?.[roomAtAnnotation]
    return [...new Set([...(aimedAt === undefined ? [] : [aimedAt]), ...this.#offers.allFor(pod)])]
  }

  /** A pod that was refused is bound. Returns whether pods like it were kept off its node until now. */
  accept(pod: Pod): boolean {
    const { nodeName } = pod.spec
    const key = refusalKeyOf(pod, this.ledger.membership(keyOf(pod))?.policy)
    if (!nodeName || !this.refusals.end(key, nodeName, roomOf(pod))) return false
    this.#openNodes.add(nodeName)
    return true
  }

  /** What kube-scheduler has not bound keeps nobody off the room that it was sent to, until it is bound. */
  giveRoomBack(pod: Pod): void {
    const key = keyOf(pod)
    if (pod.spec.nodeName) return
    this.#roomless.set(key, pod.metadata.uid)
    this.#room.release(key)
  }

  /** What the successor of a pod that has its place would find now. */
  successorOf(pod: Pod): SuccessorView {
    const member = this.ledger.membership(keyOf(pod))
    const anew = this.#anew(pod, member?.policy)
    const anywhere = () => this.#aimAnywhere(anew, member?.policy).offer
    if (member === undefined) return { offer: anywhere(), waitsForPlace: false }
    const { policy, group } = member
    const own = group.shareOf(keyOf(pod))
    const placement = place({
      policy,
      taken: group.taken.map((count, share) => (share === own ? count - 1 : count)),
      asked: this.#askedBy(anew, policy),
      offerOf: (share) => this.#offerOf(anew, policy, share),
    })
    const offer = placement.kind === 'share' ? placement.offer : placement.kind === 'anywhere' ? anywhere() : undefined
    return { offer, waitsForPlace: placement.kind === 'share' && policy.waitsForNodes }
  }

  /** How long until the successor of a pod may find more although nothing is told; undefined: never. */
  successorWithinMs(pod: Pod): number | undefined {
    const policy = this.ledger.membership(keyOf(pod))?.policy
    const tried = new Set(this.#triedFor(pod))
    const others = this.#offers.allFor(this.#anew(pod, policy)).filter((node) => !tried.has(node))
    const refused = this.refusals.endsWithinMs(refusalKeyOf(pod, policy), others, roomOf(pod))
    const known = [this.#room.freesWithinMs(others), refused].filter((ms) => ms !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
  }

  /** What a share has for one more pod like this one, wherever that one is. */
  offerAt(pod: Pod, policy: CompiledPolicy, share: number): Offer {
    return this.#offerOf(this.#anew(pod, policy), policy, share)
  }

  /** A pod as its successor would come, with the constraints of its distribution. */
  #anew(pod: Pod, policy: CompiledPolicy | undefined): Pod {
    return this.#bound(asCreated(pod, policy)).bound
  }

  /** Which pod of a policy is to be moved to where it belongs. */
  rebalance(policy: CompiledPolicy, podOf: (key: ObjectKey) => Pod | undefined): Rebalance {
    const groups = [...this.ledger.groupsOf(policy.key)]
    return rebalance({ policy, groups, podOf, offerOf: (pod, share) => this.offerAt(pod, policy, share) })
  }

  /** The nodes that take a gated pod, in the order in which it is given to them. */
  candidates(pod: Pod): Candidate[] {
    const { bound } = this.#bound(pod)
    const key = refusalKeyOf(pod, this.ledger.membership(keyOf(pod))?.policy)
    const requests = roomOf(pod)
    const asked = this.refusals.open(key, this.#offers.allFor(bound), requests)
    return this.#room.candidates(asked, requests).sort(compareCandidates)
  }

  /** The first rule by which a gated pod would not go to a node now; undefined: there is none. */
  objection(pod: Pod, node: Node): Objection | undefined {
    const { name } = node.metadata
    const { policy, group } = this.ledger.membership(keyOf(pod)) ?? {}
    const [key, requests, turn] = [refusalKeyOf(pod, policy), roomOf(pod), turnOf(pod)]
    const said =
      objectionOfNode(node, pod, this.#bound(pod)) ?? (policy && group && objectionOfPolicy(node, policy, group.taken))
    if (said) return said
    if (this.refusals.isRefused(key, name, requests)) return { node: name, rule: 'refused' }
    if (!this.#room.hasRoom(name, requests)) return { node: name, rule: 'noRoom' }
    const owner = this.reservations.keptFrom(name, turn)
    return owner && { node: name, rule: 'reserved', detail: owner.key }
  }

  #bound(pod: Pod) {
    const distribution = this.distributions.of(pod)
    const wanted = distribution ? constrained(pod, distribution.constraints) : pod
    const reach = this.#reaches.get(keyOf(pod))
    const bound = reach ? { ...wanted, spec: requiring(wanted.spec, reach) } : wanted
    return { bound, wanted, distribution }
  }

  /** A volume is where it is, whichever share comes next. Where no node can have it, the pod waits for one. */
  #askedBy(pod: Pod, { topologyKey }: CompiledPolicy): ReadonlySet<string> | undefined {
    const own = pod.spec.nodeSelector?.[topologyKey]
    if (own !== undefined) return new Set([own])
    const reach = this.#reaches.get(keyOf(pod))
    if (reach === undefined) return undefined
    const near = new NodeAffinity(requiring({ containers: [] }, reach))
    const values = [...this.#nodes.values()]
      .filter((node) => near.allows(node))
      .flatMap(({ metadata }) => metadata.labels?.[topologyKey] ?? [])
    return values.length > 0 ? new Set(values) : undefined
  }

  #offerOf(pod: Pod, policy: CompiledPolicy, share: number): Offer {
    return this.#chosen(pod, policy, this.#nodesAt(pod, policy, policy.shares[share]?.name ?? '')).offer
  }

  #aimAnywhere(pod: Pod, policy: CompiledPolicy | undefined): Aimed {
    const beyond = belowMaxima(pod, policy)
    return this.#aimFor(beyond, { policy }, this.#offers.allFor(beyond))
  }

  #aimFor(pod: Pod, where: Where, names: readonly string[]): Aimed {
    const { policy } = where
    const { uid, place, aim } = this.#aims.get(keyOf(pod)) ?? {}
    if (aim && uid === pod.metadata.uid && place === placeOf(where)) return { offer: 'room', aim }
    const { offer, chosen, behind } = this.#chosen(pod, policy, names)
    if (chosen === undefined) return { offer, aim: undefined, ...(behind !== undefined && { behind }) }
    const key = refusalKeyOf(pod, policy)
    const turn = turnOf(pod)
    const closed = names.filter(
      (name) => this.refusals.isRefused(key, name, roomOf(pod)) || this.reservations.keptFrom(name, turn),
    )
    return { offer, aim: aimAt(pod, chosen, this.#room.candidates(names, roomOf(pod)), closed) }
  }

  #chosen(pod: Pod, policy: CompiledPolicy | undefined, names: readonly string[]): Chosen {
    if (names.length === 0) return { offer: 'noNode', chosen: undefined }
    const [key, requests] = [refusalKeyOf(pod, policy), roomOf(pod)]
    const asked = this.refusals.open(key, names, requests)
    if (asked.length === 0) return { offer: 'refused', chosen: undefined }
    const turn = turnOf(pod)
    const open = asked.filter((name) => this.reservations.keptFrom(name, turn) === undefined)
    const chosen = this.#room.choose(open, requests)
    if (chosen) return { offer: 'room', chosen }
    const preempting = mayPreempt(pod) ? this.#room.chooseByPreemption(open, requests, turn.priority) : undefined
    if (preempting) return { offer: 'byPreemption', chosen: preempting }
    const kept = open.length < asked.length ? this.#room.choose(asked, requests) : undefined
    const owner = kept && this.reservations.keptFrom(kept.node, turn)
    return owner ? { offer: 'reserved', chosen, behind: owner.key } : { offer: 'noRoom', chosen }
  }

  #waiting(pod: Pod, decision: Decision): Waiting {
    const requests = roomOf(pod)
    const key = refusalKeyOf(pod, decision.policy)
    const awaited = this.refusals.open(key, this.#awaitedBy(pod, decision), requests)
    return { turn: turnOf(pod), awaited, lackOn: (node) => this.#room.lackOn(node, requests) }
  }

  /** The nodes one of which a pod waits for. */
  #awaitedBy(pod: Pod, decision: Decision): readonly string[] {
    const { bound } = this.#bound(pod)
    if (decision.kind === 'anyRoom') return this.#offers.allFor(belowMaxima(bound, decision.policy))
    const waitsHere = decision.kind === 'seat' && decision.policy.waitsForNodes
    return waitsHere ? this.#nodesAt(bound, decision.policy, decision.value) : this.#offers.allFor(bound)
  }

  #nodesAt(pod: Pod, { topologyKey }: CompiledPolicy, value: string): readonly string[] {
    return this.#offers.nodesFor(pod, topologyKey).get(value) ?? []
  }
}

/** The first node with room, or why there is none. */
interface Chosen {
  readonly offer: Offer
  readonly chosen: Candidate | undefined
  readonly behind?: ObjectKey
}

/** Among which nodes room is looked for: those of a share, or all. */
interface Where {
  readonly policy: CompiledPolicy | undefined
  readonly value?: string | undefined
}

const placeOf = ({ policy, value }: Where): string => JSON.stringify([policy?.key, value])

/** A virtual node does not tell of a pod that is not yet where it is going. */
const isKnownToItsNode = ({ spec, status }: Pod): boolean => spec.nodeName !== undefined && status?.phase !== 'Pending'

/** Whether kube-scheduler would preempt others for it. */
const mayPreempt = ({ spec }: Pod): boolean => spec.preemptionPolicy !== 'Never'

/** Pods of one policy are refused together, and so are those of a namespace that are under none. */
const refusalKeyOf = ({ metadata }: Pod, policy: CompiledPolicy | undefined): ObjectKey =>
  policy?.key ?? `${metadata.namespace}/`
