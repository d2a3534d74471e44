import { keyOf, type Node, NodeAffinity, type ObjectKey, type Pod } from '@kosmos/kube'
import type { Distribution } from '../distributions/compiled-distribution.ts'
import { constrained } from '../distributions/constraints.ts'
import { DistributionBook } from '../distributions/distribution-book.ts'
import { type Objection, objectionOfNode, objectionOfPolicy } from '../explanation/objections.ts'
import type { Candidate } from '../nodes/candidates.ts'
import { BestFitNamespaces } from '../policies/best-fit.ts'
import type { CompiledPolicy, StoredPolicy } from '../policies/compiled-policy.ts'
import { PolicyBook } from '../policies/policy-book.ts'
import { type Rebalance, rebalance } from '../rebalance/decide.ts'
import type { Seat } from '../seats/seats.ts'
import { readRefusals } from '../status/refusals.ts'
import type { SuccessorView } from '../take-back/decide.ts'
import type { Reach } from '../volumes/reach.ts'
import type { Aim } from './aim.ts'
import { asCreated } from './as-created.ts'
import { Ledger, type LedgerChange } from './ledger.ts'
import { belowMaxima } from './maxima.ts'
import { freeSeat, type Offer, place } from './place.ts'
import { requiring } from './requirements.ts'
import { isCounted, isGated } from './standing.ts'
import { type Aimed, type Chosen, earliest, type NodeSource, Vacancies, type Where } from './vacancies.ts'

/** So long the room that comes up is for whoever fits first. */
const RESERVE_AFTER_MS = 60_000

/** What was decided about a gated pod. */
export type Decision = Place & {
  /** Which kind of nodes it may be on, whatever its place is. */
  readonly distribution: Distribution | undefined
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

/**
 * All that decisions are made of, and the decisions. It makes no request: the controllers feed it from watches and carry out what
 * it says; a simulation feeds it from lists and carries out nothing.
 */
export class PlacementState {
  readonly policies = new PolicyBook()
  readonly distributions = new DistributionBook()
  readonly bestFit = new BestFitNamespaces()
  readonly ledger: Ledger
  readonly vacancies: Vacancies
  /** Where pods are kept whose gate is being opened. */
  readonly #aims = new Map<ObjectKey, { readonly uid: string; readonly place: string; readonly aim: Aim }>()
  readonly #nodes: NodeSource
  /** What the volumes of gated pods say about their nodes. */
  readonly #reaches = new Map<ObjectKey, Reach>()

  /** @param reserveAfterMs how long a pod waits for room before a node is kept for it */
  constructor(nodes: NodeSource, now: () => number = Date.now, reserveAfterMs = RESERVE_AFTER_MS) {
    this.#nodes = nodes
    this.vacancies = new Vacancies({ nodes, now, reserveAfterMs })
    this.ledger = new Ledger({
      policyOf: (pod) => this.policies.of(pod),
      askedBy: (pod, policy) => this.#askedBy(pod, policy),
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
    if (uid !== stored.metadata.uid) this.vacancies.refusals.restore(key, readRefusals(stored))
    return this.policies.set(stored)
  }

  deletePolicy(stored: StoredPolicy): void {
    this.vacancies.refusals.forget(keyOf(stored))
    this.policies.delete(stored)
  }

  /** A pod appeared or changed. */
  setPod(pod: Pod): LedgerChange[] {
    const key = keyOf(pod)
    if (!isGated(pod) || this.#aims.get(key)?.uid !== pod.metadata.uid) this.#aims.delete(key)
    if (!isGated(pod) || !isCounted(pod)) this.vacancies.reservations.delete(key)
    if (!isGated(pod)) this.#reaches.delete(key)
    this.vacancies.count(pod, key)
    return this.ledger.set(pod, key)
  }

  deletePod(key: ObjectKey): LedgerChange[] {
    this.#aims.delete(key)
    this.#reaches.delete(key)
    this.vacancies.delete(key)
    return this.ledger.delete(key)
  }

  /** Says where the volumes of a gated pod can be had, before it is decided about; undefined: anywhere. */
  setReach(key: ObjectKey, reach: Reach | undefined): void {
    if (reach) this.#reaches.set(key, reach)
    else this.#reaches.delete(key)
  }

  /** Whether the place of a gated pod depends on which nodes there are. */
  waitsForVolumes(key: ObjectKey): boolean {
    return this.#reaches.has(key)
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
    if (this.ledger.isPromised(key) && !isOpening) this.ledger.lift(pod, key)
    const chosenAt = this.#choices(pod, policy)
    const seatAt = (seat: Seat): Place => {
      const value = policy.shares[seat.share]?.name ?? ''
      const names = this.vacancies.nodesAt(pod, policy.topologyKey, value)
      const aimed = this.#aimFor(pod, { policy, value }, names, () => chosenAt(seat.share))
      return { kind: 'seat', policy, seat, value, ...aimed }
    }
    // An answer that did not arrive may have been a yes, so the same is asked again.
    if (isOpening) return seatAt(promised)
    const asked = this.#askedBy(pod, policy)
    const placement = place({
      policy,
      taken: group.taken,
      asked,
      offerOf: (share) => chosenAt(share).offer,
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
    return isByPreemption ? this.vacancies.givingWay(pod, decision.aim.node) : []
  }

  /** Counts a decision, before anybody can see it. */
  commit(pod: Pod, decision: Decision): LedgerChange[] {
    const key = keyOf(pod)
    if ('offer' in decision && decision.offer === 'noRoom') {
      this.vacancies.wait(pod, decision.policy, () => this.#awaitedBy(pod, decision))
    } else this.vacancies.reservations.delete(key)
    const aim = 'aim' in decision ? decision.aim : undefined
    if (aim === undefined) {
      this.#aims.delete(key)
      this.vacancies.release(key)
    }
    // Who has its volume where every place is taken waits behind others who ask for that, not in front of those who may go elsewhere.
    if (decision.kind === 'wait') return this.ledger.set(pod, key)
    if (decision.kind === 'anywhere') return []
    if (aim) {
      this.vacancies.promise(pod, key, aim.node)
      const value = decision.kind === 'seat' ? decision.value : undefined
      this.#aims.set(key, { uid: pod.metadata.uid, place: placeOf({ policy: decision.policy, value }), aim })
    }
    return decision.kind === 'seat' ? this.ledger.promise(pod, key, decision.seat, aim === undefined) : []
  }

  /** A decision was refused; `pod` as it is now, undefined if it is gone. */
  withdraw(key: ObjectKey, pod: Pod | undefined): LedgerChange[] {
    this.#aims.delete(key)
    this.vacancies.release(key)
    if (pod === undefined) return this.ledger.delete(key)
    // It may have its place by an earlier answer, which was lost.
    this.vacancies.count(pod, key)
    return this.ledger.withdraw(pod, key)
  }

  /**
   * How long until a pod that waits for room is to be looked at again although nothing is told; undefined: not at all.
   * @param node the only one that is asked, since it has changed; 0 if it has room now, or has it once others are preempted
   */
  roomWithinMs(pod: Pod, decision: Decision, node?: string): number | undefined {
    const awaited = this.#awaitedBy(pod, decision)
    if (node !== undefined && !awaited.includes(node)) return undefined
    if (node !== undefined && this.vacancies.mayTake(pod, node)) return 0
    const opens = this.vacancies.opensWithinMs(pod, decision.policy, node === undefined ? awaited : [node])
    const isBehind = 'offer' in decision && decision.offer === 'reserved'
    return isBehind ? earliest([opens, this.vacancies.reservations.changesWithinMs()]) : opens
  }

  /** The leaf of a pod, or kube-scheduler where it is kept, found no node for it: pods like it are not sent there for a while. */
  refuse(pod: Pod, message: string): void {
    this.vacancies.refuse(pod, this.#policyOf(pod), message)
  }

  /** A pod that was refused is bound. Returns whether pods like it were kept off its node until now. */
  accept(pod: Pod): boolean {
    return this.vacancies.accept(pod, this.#policyOf(pod))
  }

  /** What the successor of a pod that has its place would find now. */
  successorOf(pod: Pod): SuccessorView {
    const member = this.ledger.membership(keyOf(pod))
    const anew = this.#anew(pod, member?.policy)
    const anywhere = () => this.#aimAnywhere(anew, member?.policy).offer
    if (member === undefined) return { offer: anywhere(), waitsForPlace: false }
    const { policy, group } = member
    const own = group.shareOf(keyOf(pod))
    const chosenAt = this.#choices(anew, policy)
    const placement = place({
      policy,
      taken: group.taken.map((count, share) => (share === own ? count - 1 : count)),
      asked: this.#askedBy(anew, policy),
      offerOf: (share) => chosenAt(share).offer,
    })
    const offer = placement.kind === 'share' ? placement.offer : placement.kind === 'anywhere' ? anywhere() : undefined
    return { offer, waitsForPlace: placement.kind === 'share' && policy.waitsForNodes }
  }

  /** How long until the successor of a pod may find more although nothing is told; undefined: never. */
  successorWithinMs(pod: Pod): number | undefined {
    const policy = this.#policyOf(pod)
    const tried = new Set(this.vacancies.triedFor(pod))
    const others = this.vacancies.nodesFor(this.#anew(pod, policy)).filter((node) => !tried.has(node))
    return this.vacancies.opensWithinMs(pod, policy, others)
  }

  /** What a share has for one more pod like this one, wherever that one is. */
  offerAt(pod: Pod, policy: CompiledPolicy, share: number): Offer {
    return this.#choices(this.#anew(pod, policy), policy)(share).offer
  }

  /** A pod as its successor would come, with the constraints of its distribution. */
  #anew(pod: Pod, policy: CompiledPolicy | undefined): Pod {
    return this.#bound(asCreated(pod, policy)).bound
  }

  /** The values of a policy that no node has. */
  absentOf({ topologyKey, shares }: CompiledPolicy): string[] {
    return shares.flatMap(({ name }) => (this.vacancies.isThere(topologyKey, name) ? [] : [name]))
  }

  /** Which pod of a policy is to be moved to where it belongs. */
  rebalance(policy: CompiledPolicy, podOf: (key: ObjectKey) => Pod | undefined): Rebalance {
    const groups = [...this.ledger.groupsOf(policy.key)]
    return rebalance({ policy, groups, podOf, offerOf: (pod, share) => this.offerAt(pod, policy, share) })
  }

  /** The nodes that take a gated pod, in the order in which it is given to them. */
  candidates(pod: Pod): Candidate[] {
    return this.vacancies.candidates(this.#bound(pod).bound, this.#policyOf(pod))
  }

  /** The first rule by which a gated pod would not go to a node now; undefined: there is none. */
  objection(pod: Pod, node: Node): Objection | undefined {
    const { policy, group } = this.ledger.membership(keyOf(pod)) ?? {}
    const said =
      objectionOfNode(node, pod, this.#bound(pod)) ?? (policy && group && objectionOfPolicy(node, policy, group.taken))
    return said ?? this.vacancies.objection(pod, policy, node.metadata.name)
  }

  #policyOf(pod: Pod): CompiledPolicy | undefined {
    return this.ledger.membership(keyOf(pod))?.policy
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

  /** The first node of a share for a pod; each share is looked at once, however often it is asked about in one decision. */
  #choices(pod: Pod, policy: CompiledPolicy): (share: number) => Chosen {
    const known = new Map<number, Chosen>()
    const choose = (value: string) =>
      this.vacancies.choose(pod, { policy, value }, this.vacancies.nodesAt(pod, policy.topologyKey, value))
    return (share) => {
      const chosen = known.get(share) ?? choose(policy.shares[share]?.name ?? '')
      known.set(share, chosen)
      return chosen
    }
  }

  #aimAnywhere(pod: Pod, policy: CompiledPolicy | undefined): Aimed {
    const beyond = belowMaxima(pod, policy)
    const names = this.vacancies.nodesFor(beyond)
    return this.#aimFor(beyond, { policy }, names, () => this.vacancies.choose(beyond, { policy }, names))
  }

  #aimFor(pod: Pod, where: Where, names: readonly string[], chosen: () => Chosen): Aimed {
    const { uid, place, aim } = this.#aims.get(keyOf(pod)) ?? {}
    if (aim && uid === pod.metadata.uid && place === placeOf(where)) return { offer: 'room', aim }
    return this.vacancies.aim(pod, where, names, chosen())
  }

  /** The nodes one of which a pod waits for. */
  #awaitedBy(pod: Pod, decision: Decision): readonly string[] {
    const { bound } = this.#bound(pod)
    // A node that reaches its volumes may say that its place is another.
    if (this.waitsForVolumes(keyOf(pod))) return this.vacancies.nodesFor(bound)
    if (decision.kind === 'anyRoom') return this.vacancies.nodesFor(belowMaxima(bound, decision.policy))
    const waitsHere = decision.kind === 'seat' && decision.policy.waitsForNodes
    if (!waitsHere) return this.vacancies.nodesFor(bound)
    return this.vacancies.nodesAt(bound, decision.policy.topologyKey, decision.value)
  }
}

const placeOf = ({ policy, value }: Where): string => JSON.stringify([policy?.key, value])
