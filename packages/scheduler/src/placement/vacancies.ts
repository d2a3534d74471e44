import { roomAtAnnotation } from '@kosmos/api'
import { keyOf, type Node, type ObjectKey, type Pod, type ResourceList } from '@kosmos/kube'
import type { Objection } from '../explanation/objections.ts'
import { type Candidate, compareCandidates } from '../nodes/candidates.ts'
import { isSameOffer, NodeOffers } from '../nodes/offers.ts'
import { Refusals } from '../nodes/refusals.ts'
import { RoomBook, roomOf } from '../nodes/room-book.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { Reservations } from '../reservations/reservations.ts'
import { turnOf } from '../reservations/turn.ts'
import { type Aim, aimAt } from './aim.ts'
import type { Offer } from './place.ts'
import { hasEnded, nodeTakenBy } from './standing.ts'

export interface NodeSource {
  get(name: string): Node | undefined
  values(): Iterable<Node>
}

export interface VacanciesOptions {
  readonly nodes: NodeSource
  readonly now: () => number
  /** How long a pod waits for room before a node is kept for it. */
  readonly reserveAfterMs: number
}

/** The node where a pod has room, and how it is kept there. */
export interface Aimed {
  readonly offer: Offer
  /** Undefined: no node has room, `offer` says why, and the pod's gate stays shut until one has. */
  readonly aim: Aim | undefined
  /** The pod that a node is kept for which would have room. */
  readonly behind?: ObjectKey
}

/** Among which nodes room is looked for: those with a value of the policy's topology key, or all. */
export interface Where {
  readonly policy: CompiledPolicy | undefined
  readonly value?: string | undefined
}

/** The first node with room, or why there is none. */
export interface Chosen {
  readonly offer: Offer
  readonly chosen: Candidate | undefined
  readonly behind?: ObjectKey
}

/**
 * Which nodes take a pod now: those that may as far as labels and taints say, have room, have not lately refused one like it, and
 * are kept for nobody whose turn is before. `policy` is that of the pod, undefined where it is under none. It makes no request.
 */
export class Vacancies {
  readonly refusals: Refusals
  readonly reservations: Reservations
  readonly #offers: NodeOffers
  readonly #room: RoomBook
  /** Policies of whose refusals a node has ended some, until that is told. */
  readonly #reopened = new Set<ObjectKey>()
  /** Nodes that take pods after all, until that is told. */
  readonly #openNodes = new Set<string>()
  /** Pods that have not got the room which they were sent to, by their uid. */
  readonly #roomless = new Map<ObjectKey, string>()

  constructor({ nodes, now, reserveAfterMs }: VacanciesOptions) {
    this.reservations = new Reservations({ now, afterMs: reserveAfterMs })
    this.refusals = new Refusals(now)
    this.#room = new RoomBook(now)
    this.#offers = new NodeOffers(() => nodes.values())
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

  /** Counts a pod where it is, or is sent to. */
  count(pod: Pod, key: ObjectKey): void {
    const node = nodeTakenBy(pod)
    if (pod.spec.nodeName || pod.status?.nominatedNodeName || this.#roomless.get(key) !== pod.metadata.uid) {
      this.#roomless.delete(key)
    }
    if (hasEnded(pod) || this.#roomless.has(key)) this.#room.release(key)
    else if (node) this.#room.take(key, node, roomOf(pod), isKnownToItsNode(pod), pod.spec.priority)
  }

  /** Counts a pod where it is going to be sent. */
  promise(pod: Pod, key: ObjectKey, node: string): void {
    this.#room.take(key, node, roomOf(pod), false, pod.spec.priority)
  }

  release(key: ObjectKey): void {
    this.#room.release(key)
  }

  /** A pod is gone. */
  delete(key: ObjectKey): void {
    this.#roomless.delete(key)
    this.reservations.delete(key)
    this.#room.release(key)
  }

  /** What kube-scheduler has not bound keeps nobody off the room that it was sent to, until it is bound. */
  giveBack(pod: Pod): void {
    const key = keyOf(pod)
    if (pod.spec.nodeName) return
    this.#roomless.set(key, pod.metadata.uid)
    this.#room.release(key)
  }

  /** A pod waits for room on one of the nodes. */
  wait(pod: Pod, policy: CompiledPolicy | undefined, nodes: () => readonly string[]): void {
    this.reservations.add(keyOf(pod), () => {
      const requests = roomOf(pod)
      const awaited = this.refusals.open(refusalKeyOf(pod, policy), nodes(), requests)
      return { turn: turnOf(pod), awaited, lackOn: (node) => this.#room.lackOn(node, requests) }
    })
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

  /** Names of the nodes that may take a pod, whatever room they have. */
  nodesFor(pod: Pod): readonly string[] {
    return this.#offers.allFor(pod)
  }

  /** Those of them with this value of the topology key. */
  nodesAt(pod: Pod, topologyKey: string, value: string): readonly string[] {
    return this.#offers.nodesFor(pod, topologyKey).get(value) ?? []
  }

  /** Whether a node has the label with this value, whatever pods it takes. */
  isThere(topologyKey: string, value: string): boolean {
    return this.#offers.isThere(topologyKey, value)
  }

  /** Chooses one of the nodes. */
  choose(pod: Pod, { policy, value }: Where, names: readonly string[]): Chosen {
    if (names.length === 0) {
      const isThere = value === undefined || (policy && this.isThere(policy.topologyKey, value))
      return { offer: isThere ? 'noNode' : 'noValue', chosen: undefined }
    }
    const [key, requests] = [refusalKeyOf(pod, policy), roomOf(pod)]
    const asked = this.refusals.open(key, names, requests)
    if (asked.length === 0) return { offer: 'refused', chosen: undefined }
    const turn = turnOf(pod)
    const open = this.reservations.open(asked, turn)
    const chosen = this.#room.choose(open, requests)
    if (chosen) return { offer: 'room', chosen }
    const preempting = this.#byPreemption(pod, open, requests)
    if (preempting) return { offer: 'byPreemption', chosen: preempting }
    const kept = open.length < asked.length ? this.#room.choose(asked, requests) : undefined
    const owner = kept && this.reservations.keptFrom(kept.node, turn)
    return owner ? { offer: 'reserved', chosen, behind: owner.key } : { offer: 'noRoom', chosen }
  }

  /** How a pod is kept at the one of the nodes that was chosen. */
  aim(pod: Pod, where: Where, names: readonly string[], { offer, chosen, behind }: Chosen): Aimed {
    if (chosen === undefined) return { offer, aim: undefined, ...(behind !== undefined && { behind }) }
    const [key, requests, turn] = [refusalKeyOf(pod, where.policy), roomOf(pod), turnOf(pod)]
    const open = this.reservations.open(this.refusals.open(key, names, requests), turn)
    const closed = open === names ? [] : [...new Set(names).difference(new Set(open))]
    return { offer, aim: aimAt(pod, chosen, this.#room.candidates(names, requests), closed) }
  }

  /** Those that may take a pod and have not refused it, in the order in which it is given to them. */
  candidates(pod: Pod, policy: CompiledPolicy | undefined): Candidate[] {
    const requests = roomOf(pod)
    const asked = this.refusals.open(refusalKeyOf(pod, policy), this.nodesFor(pod), requests)
    return this.#room.candidates(asked, requests).sort(compareCandidates)
  }

  /** Why a node that may take a pod would not; undefined: it would. */
  objection(pod: Pod, policy: CompiledPolicy | undefined, node: string): Objection | undefined {
    const requests = roomOf(pod)
    if (this.refusals.isRefused(refusalKeyOf(pod, policy), node, requests)) return { node, rule: 'refused' }
    if (!this.#room.hasRoom(node, requests)) return { node, rule: 'noRoom' }
    const owner = this.reservations.keptFrom(node, turnOf(pod))
    return owner && { node, rule: 'reserved', detail: owner.key }
  }

  /** Whom kube-scheduler may preempt on a node for a pod. */
  givingWay(pod: Pod, node: string): ObjectKey[] {
    return this.#room.lowerOn(node, turnOf(pod).priority)
  }

  /** Whether a node has room for a pod, or has it once others are preempted. */
  mayTake(pod: Pod, node: string): boolean {
    const requests = roomOf(pod)
    return this.#room.hasRoom(node, requests) || this.#byPreemption(pod, [node], requests) !== undefined
  }

  /** How long until one of the nodes may take a pod although nothing is told, in milliseconds; undefined: none will. */
  opensWithinMs(pod: Pod, policy: CompiledPolicy | undefined, names: readonly string[]): number | undefined {
    const refused = this.refusals.endsWithinMs(refusalKeyOf(pod, policy), names, roomOf(pod))
    return earliest([this.#room.freesWithinMs(names), refused])
  }

  /** The nodes that kube-scheduler has the choice of for a pod which has its place. */
  triedFor(pod: Pod): readonly string[] {
    const aimedAt = pod.metadata.annotations?.[roomAtAnnotation]
    return [...new Set([...(aimedAt === undefined ? [] : [aimedAt]), ...this.nodesFor(pod)])]
  }

  /** The leaf of a pod, or kube-scheduler where it is kept, found no node for it: pods like it are not sent there for a while. */
  refuse(pod: Pod, policy: CompiledPolicy | undefined, message: string): void {
    const key = refusalKeyOf(pod, policy)
    const requests = roomOf(pod)
    for (const node of this.#refusing(pod, key, requests)) {
      this.refusals.add(key, { node, requests, message, machines: this.#room.machinesFor(node, requests) })
    }
  }

  /** A leaf has found none now. kube-scheduler goes on looking, so that it finds none is news only when a pause is over. */
  #refusing(pod: Pod, key: ObjectKey, requests: ResourceList): readonly string[] {
    const { nodeName } = pod.spec
    if (nodeName) return [nodeName]
    const aimedAt = pod.metadata.annotations?.[roomAtAnnotation]
    // Those that are full are left out by their room alone, and come back with it.
    const isOffered = (node: string) => node === aimedAt || this.mayTake(pod, node)
    return this.refusals.open(key, this.triedFor(pod), requests).filter(isOffered)
  }

  /** A pod that was refused is bound. Returns whether pods like it were kept off its node until now. */
  accept(pod: Pod, policy: CompiledPolicy | undefined): boolean {
    const { nodeName } = pod.spec
    if (!nodeName || !this.refusals.end(refusalKeyOf(pod, policy), nodeName, roomOf(pod))) return false
    this.#openNodes.add(nodeName)
    return true
  }

  #byPreemption(pod: Pod, names: readonly string[], requests: ResourceList): Candidate | undefined {
    if (pod.spec.preemptionPolicy === 'Never') return undefined
    return this.#room.chooseByPreemption(names, requests, turnOf(pod).priority)
  }
}

/** The least of what is known. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((ms) => ms !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** A virtual node does not tell of a pod that is not yet where it is going. */
const isKnownToItsNode = ({ spec, status }: Pod): boolean => spec.nodeName !== undefined && status?.phase !== 'Pending'

/** Pods of one policy are refused together, and so are those of a namespace that are under none. */
const refusalKeyOf = ({ metadata }: Pod, policy: CompiledPolicy | undefined): ObjectKey =>
  policy?.key ?? `${metadata.namespace}/`
