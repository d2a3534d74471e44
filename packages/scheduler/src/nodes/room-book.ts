import { freeShapesAnnotation } from '@kosmos/api'
import {
  addResources,
  type Node,
  type ObjectKey,
  type Pod,
  parseQuantity,
  podRequests,
  type Quantity,
  type ResourceList,
  subtractResources,
} from '@kosmos/kube'
import { type Candidate, compareCandidates, isVirtual, priorityOf, standsForOneMachine } from './candidates.ts'
import { isCertain, type Unseen } from './certain.ts'
import { type Bin, bestFit, binsOf, emptyBinsOf, hasRoom, lackIn } from './room.ts'

/** What a node has. Where in it the unseen pods are is its own scheduler's affair. */
interface View {
  readonly bins: readonly Bin[]
  readonly unseen: Unseen
}

/** What a pod takes of a node. */
interface Taking {
  readonly node: string
  readonly requests: ResourceList
  readonly priority: number
  /** Milliseconds since the epoch from when on the node's own word includes the pod; undefined: not yet. */
  readonly knownFrom: number | undefined
}

interface Entry {
  node: Node | undefined
  /** Those that the node's own word does not include. */
  readonly pods: Set<ObjectKey>
  /** Those that it includes as well. */
  readonly all: Set<ObjectKey>
  /** What all of them request together. */
  taken: ResourceList
  /** Kept until its own word changes, or is to include a pod. */
  view: View | undefined
  /** What it is to pods that ask for the same; kept as long as the view. */
  readonly candidates: Map<string, Candidate>
  /** When a pod is included in the node's own word, and the view has to be made anew. */
  staleAt: number
}

/** cluster-tree publishes the room of a virtual node within 5 s of a change; so long a pod that runs may not be in it. */
const PUBLISHED_WITHIN_MS = 8_000

const onePod: ResourceList = new Map([['pods', parseQuantity('1')]])

/** Of states of pods, none of which ever changes: each is asked about several times until the pod has its place. */
const rooms = new WeakMap<object, ResourceList>()

/** What a pod asks of a node, itself included. */
export function roomOf(pod: Pick<Pod, 'spec' | 'status'>): ResourceList {
  const known = rooms.get(pod)
  if (known) return known
  const room = addResources(podRequests(pod), onePod)
  rooms.set(pod, room)
  return room
}

/**
 * How much room nodes have for pods that are not there yet. What was promised counts from the promise on: before the stock
 * scheduler has bound the pod, and before the leaf has it and its virtual node says so.
 */
export class RoomBook {
  readonly #entries = new Map<string, Entry>()
  readonly #takings = new Map<ObjectKey, Taking>()
  readonly #now: () => number
  readonly #freed = new Set<string>()

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  setNode(node: Node): void {
    const entry = this.#entry(node.metadata.name)
    entry.node = node
    entry.view = undefined
  }

  deleteNode(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    entry.node = undefined
    if (entry.all.size === 0) this.#entries.delete(name)
  }

  /** A pod is bound, or was promised a place on a node, or is resized there. */
  take(key: ObjectKey, node: string, requests: ResourceList, isRunning: boolean, priority = 0): void {
    const old = this.#takings.get(key)
    const isThere = old?.node === node
    const isResized = isThere && !areSame(old.requests, requests)
    if (isThere && !isResized && (old.knownFrom !== undefined) === isRunning) return
    const knownFrom = isRunning ? this.#now() + PUBLISHED_WITHIN_MS : undefined
    this.#takings.set(key, { node, requests, priority, knownFrom })
    const entry = this.#entry(node)
    if (old && !isThere) this.#drop(key, old)
    entry.taken = addResources(isThere ? subtractResources(entry.taken, old.requests) : entry.taken, requests)
    entry.all.add(key)
    if (isResized) this.#freed.add(node)
    else if (isThere && knownFrom !== undefined) {
      entry.staleAt = Math.min(entry.staleAt, knownFrom)
      return
    }
    entry.pods.add(key)
    entry.view = undefined
  }

  release(key: ObjectKey): void {
    const taking = this.#takings.get(key)
    this.#takings.delete(key)
    if (taking) this.#drop(key, taking)
  }

  /** Nodes on which somebody has given room back; each is told once. */
  takeFreed(): string[] {
    const freed = [...this.#freed]
    this.#freed.clear()
    return freed
  }

  /** The first of these nodes in the order of {@link compareCandidates}; undefined when none has a machine with room. */
  choose(nodes: readonly string[], requests: ResourceList): Candidate | undefined {
    const asked = keyOfRequests(requests)
    let best: Candidate | undefined
    for (const name of nodes) {
      const candidate = this.#candidate(name, requests, asked)
      if (candidate.hasRoom && (best === undefined || compareCandidates(candidate, best) < 0)) best = candidate
    }
    return best
  }

  /**
   * The first of these nodes that would have room if all pods of a lower priority left it. Only of one machine is it known whose leaving makes
   * room on it.
   */
  chooseByPreemption(nodes: readonly string[], requests: ResourceList, priority: number): Candidate | undefined {
    const able = nodes.filter((name) => this.#hasRoomWithout(name, requests, priority))
    return this.candidates(able, requests).sort(compareCandidates)[0]
  }

  #hasRoomWithout(name: string, requests: ResourceList, priority: number): boolean {
    const entry = this.#entries.get(name)
    if (entry?.node === undefined || !standsForOneMachine(entry.node)) return false
    const lower = this.lowerOn(name, priority)
    if (lower.length === 0) return false
    const { bins = [], unseen = none } = this.#view(entry, entry.node) ?? {}
    const free = subtractResources(bins[0]?.free ?? new Map(), unseen.requests)
    const given = lower.map((key) => this.#takings.get(key)?.requests ?? new Map())
    return hasRoom(given.reduce(addResources, free), requests)
  }

  /** The pods on a node that have a lower priority, of which kube-scheduler preempts as few as it needs. */
  lowerOn(name: string, priority: number): ObjectKey[] {
    const isLower = (key: ObjectKey) => (this.#takings.get(key)?.priority ?? priority) < priority
    return [...(this.#entries.get(name)?.all ?? [])].filter(isLower)
  }

  /** All of these nodes, as they come. */
  candidates(nodes: readonly string[], requests: ResourceList): Candidate[] {
    const asked = keyOfRequests(requests)
    return nodes.map((name) => this.#candidate(name, requests, asked))
  }

  /** Whether a node has a machine with room, or says nothing about it. */
  hasRoom(name: string, requests: ResourceList): boolean {
    return this.#candidate(name, requests, keyOfRequests(requests)).hasRoom
  }

  /** How many machines of a node have room for it by the node's own word, whatever was promised meanwhile. */
  machinesFor(name: string, requests: ResourceList): number {
    const { node } = this.#entries.get(name) ?? {}
    const bins = (node && binsOf(node, new Map())) ?? []
    return bins.reduce((sum, { machines, free }) => (hasRoom(free, requests) ? sum + machines : sum), 0)
  }

  /** How much a pod lacks on a node, see {@link lackIn}; undefined: even if no pod of the root were there it could not hold it. */
  lackOn(name: string, requests: ResourceList): number | undefined {
    const entry = this.#entries.get(name)
    if (entry?.node === undefined) return undefined
    const couldHold = emptyBinsOf(entry.node).some(({ machines, free }) => machines > 0 && hasRoom(free, requests))
    return couldHold ? lackIn(this.#view(entry, entry.node)?.bins ?? [], requests) : undefined
  }

  /** How long until more may be known to be free on one of these nodes although nothing is told; undefined: not at all. */
  freesWithinMs(nodes: readonly string[]): number | undefined {
    const staleAt = Math.min(...nodes.map((name) => this.#entries.get(name)?.staleAt ?? Number.POSITIVE_INFINITY))
    return Number.isFinite(staleAt) ? Math.max(staleAt - this.#now(), 1) : undefined
  }

  #candidate(name: string, requests: ResourceList, asked: string): Candidate {
    const entry = this.#entries.get(name)
    if (entry?.node === undefined) return { node: name, hasRoom: true, priority: 0, isOwn: false, fit: 0 }
    const { node } = entry
    const view = this.#view(entry, node)
    const known = entry.candidates.get(asked)
    if (known) return known
    // The best machine's; undefined: none has room.
    const fit = view === undefined ? 0 : fitIn(view, requests)
    const candidate = {
      node: name,
      hasRoom: fit !== undefined,
      priority: priorityOf(node),
      isOwn: !isVirtual(node),
      fit: fit ?? 0,
    }
    entry.candidates.set(asked, candidate)
    return candidate
  }

  #view(entry: Entry, node: Node): View | undefined {
    if (entry.view === undefined || (entry.staleAt < Number.POSITIVE_INFINITY && entry.staleAt <= this.#now())) {
      entry.view = this.#viewOf(entry, node)
      entry.candidates.clear()
    }
    return entry.view
  }

  #viewOf(entry: Entry, node: Node): View | undefined {
    entry.staleAt = Number.POSITIVE_INFINITY
    const bins = binsOf(node, entry.taken)
    return bins && { bins, unseen: isOneMachine(node) ? none : this.#unseenOn(entry) }
  }

  /** Those on a virtual node that it does not tell of yet. */
  #unseenOn(entry: Entry): Unseen {
    const now = this.#now()
    let [count, sum]: [number, ResourceList] = [0, new Map()]
    const largest = new Map<string, Quantity>()
    for (const key of entry.pods) {
      const { requests, knownFrom } = this.#takings.get(key) ?? {}
      if (requests === undefined || (knownFrom !== undefined && knownFrom <= now)) {
        entry.pods.delete(key)
        continue
      }
      if (knownFrom !== undefined) entry.staleAt = Math.min(entry.staleAt, knownFrom)
      count++
      sum = addResources(sum, requests)
      for (const [name, quantity] of requests) {
        const most = largest.get(name)
        if (most === undefined || quantity.compare(most) > 0) largest.set(name, quantity)
      }
    }
    return { count, requests: sum, largest }
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? {
      node: undefined,
      pods: new Set<ObjectKey>(),
      all: new Set<ObjectKey>(),
      taken: new Map(),
      view: undefined,
      candidates: new Map<string, Candidate>(),
      staleAt: Number.POSITIVE_INFINITY,
    }
    this.#entries.set(name, entry)
    return entry
  }

  #drop(key: ObjectKey, { node, requests }: Taking): void {
    const entry = this.#entries.get(node)
    if (entry === undefined) return
    this.#freed.add(node)
    entry.all.delete(key)
    entry.taken = subtractResources(entry.taken, requests)
    if (entry.pods.delete(key) || isOneMachine(entry.node)) entry.view = undefined
    if (entry.all.size === 0 && entry.node === undefined) this.#entries.delete(node)
  }
}

/** Then it is known where in it its pods are. */
const isOneMachine = (node: Node | undefined): boolean =>
  node?.metadata.annotations?.[freeShapesAnnotation] === undefined

const none: Unseen = { count: 0, requests: new Map(), largest: new Map() }

function fitIn({ bins, unseen }: View, requests: ResourceList): number | undefined {
  return isCertain(bins, requests, unseen) ? bestFit(bins, requests) : undefined
}

const areSame = (a: ResourceList, b: ResourceList): boolean =>
  a.size === b.size && [...a].every(([name, quantity]) => b.get(name)?.compare(quantity) === 0)

const keyOfRequests = (requests: ResourceList): string =>
  [...requests].map(([name, quantity]) => `${name}=${quantity}`).join()
