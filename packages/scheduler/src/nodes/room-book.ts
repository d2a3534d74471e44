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
  /** Kept until its own word changes, or is to include a pod. */
  view: View | undefined
  /** How well it suits pods that ask for the same, see {@link RoomBook.fit}; kept until a pod comes or goes. */
  readonly fits: Map<string, number | undefined>
  /** When a pod is included in the node's own word, and the view has to be made anew. */
  staleAt: number
}

/** cluster-tree publishes the room of a virtual node within 5 s of a change; so long a pod that runs may not be in it. */
const PUBLISHED_WITHIN_MS = 8_000

const onePod: ResourceList = new Map([['pods', parseQuantity('1')]])

/** What a pod asks of a node, itself included. */
export function roomOf(pod: Pick<Pod, 'spec' | 'status'>): ResourceList {
  return addResources(podRequests(pod), onePod)
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
    this.#forget(entry)
  }

  deleteNode(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    entry.node = undefined
    this.#forget(entry)
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
    if (old && !isThere) this.#drop(key, old.node)
    entry.all.add(key)
    if (isResized) this.#freed.add(node)
    else if (isThere && knownFrom !== undefined) {
      entry.staleAt = Math.min(entry.staleAt, knownFrom)
      return
    }
    entry.pods.add(key)
    this.#forget(entry)
  }

  release(key: ObjectKey): void {
    const taking = this.#takings.get(key)
    this.#takings.delete(key)
    if (taking) this.#drop(key, taking.node)
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
    const fit = this.#fit(entry, node, requests, asked)
    return {
      node: name,
      hasRoom: fit !== undefined,
      priority: priorityOf(node),
      isOwn: !isVirtual(node),
      fit: fit ?? 0,
    }
  }

  /** How well the best machine suits; undefined: none has room. */
  #fit(entry: Entry, node: Node, requests: ResourceList, asked: string): number | undefined {
    const view = this.#view(entry, node)
    if (view === undefined) return 0
    if (!entry.fits.has(asked)) entry.fits.set(asked, fitIn(view, requests))
    return entry.fits.get(asked)
  }

  #view(entry: Entry, node: Node): View | undefined {
    if (entry.view === undefined || entry.staleAt <= this.#now()) {
      entry.view = this.#viewOf(entry, node)
      entry.fits.clear()
    }
    return entry.view
  }

  #viewOf(entry: Entry, node: Node): View | undefined {
    const now = this.#now()
    const isOneMachine = node.metadata.annotations?.[freeShapesAnnotation] === undefined
    entry.staleAt = Number.POSITIVE_INFINITY
    let [count, sum]: [number, ResourceList] = [0, new Map()]
    const largest = new Map<string, Quantity>()
    for (const key of entry.pods) {
      const { requests, knownFrom } = this.#takings.get(key) ?? {}
      const isSeen = !isOneMachine && knownFrom !== undefined && knownFrom <= now
      if (requests === undefined || isSeen) {
        entry.pods.delete(key)
        continue
      }
      if (!isOneMachine && knownFrom !== undefined) entry.staleAt = Math.min(entry.staleAt, knownFrom)
      count++
      sum = addResources(sum, requests)
      for (const [name, quantity] of requests) {
        const most = largest.get(name)
        if (most === undefined || quantity.milliValue() > most.milliValue()) largest.set(name, quantity)
      }
    }
    // Of one machine it is known where its pods are.
    const bins = binsOf(node, sum)
    return bins && { bins, unseen: isOneMachine ? none : { count, requests: sum, largest } }
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? {
      node: undefined,
      pods: new Set<ObjectKey>(),
      all: new Set<ObjectKey>(),
      view: undefined,
      fits: new Map<string, number | undefined>(),
      staleAt: Number.POSITIVE_INFINITY,
    }
    this.#entries.set(name, entry)
    return entry
  }

  #drop(key: ObjectKey, node: string): void {
    const entry = this.#entries.get(node)
    if (entry === undefined) return
    this.#freed.add(node)
    entry.all.delete(key)
    if (entry.pods.delete(key)) this.#forget(entry)
    if (entry.all.size === 0 && entry.node === undefined) this.#entries.delete(node)
  }

  #forget(entry: Entry): void {
    entry.view = undefined
    entry.fits.clear()
  }
}

const none: Unseen = { count: 0, requests: new Map(), largest: new Map() }

function fitIn({ bins, unseen }: View, requests: ResourceList): number | undefined {
  return isCertain(bins, requests, unseen) ? bestFit(bins, requests) : undefined
}

const areSame = (a: ResourceList, b: ResourceList): boolean =>
  a.size === b.size && [...a].every(([name, quantity]) => b.get(name)?.compare(quantity) === 0)

const keyOfRequests = (requests: ResourceList): string =>
  [...requests].map(([name, quantity]) => `${name}=${quantity}`).join()
