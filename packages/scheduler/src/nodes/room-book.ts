import { freeShapesAnnotation } from '@kosmos/api'
import {
  addResources,
  type Node,
  type ObjectKey,
  type Pod,
  parseQuantity,
  podRequests,
  type ResourceList,
} from '@kosmos/kube'
import { type Bin, binsOf, hasRoom, packed } from './room.ts'

/** What a pod takes of a node. */
interface Taking {
  readonly node: string
  readonly requests: ResourceList
  /** Milliseconds since the epoch from when on the node's own word includes the pod; undefined: not yet. */
  readonly knownFrom: number | undefined
}

interface Entry {
  node: Node | undefined
  /** Those that the node's own word does not include. */
  readonly pods: Set<ObjectKey>
  /** Kept while pods only come. */
  bins: Bin[] | undefined
  /** When a pod is included in the node's own word, and the bins have to be made anew. */
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

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  setNode(node: Node): void {
    const entry = this.#entry(node.metadata.name)
    entry.node = node
    entry.bins = undefined
  }

  deleteNode(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    entry.node = undefined
    entry.bins = undefined
    if (entry.pods.size === 0) this.#entries.delete(name)
  }

  /** A pod is bound, or was promised a place on a node. */
  take(key: ObjectKey, node: string, requests: ResourceList, isRunning: boolean): void {
    const old = this.#takings.get(key)
    if (old?.node === node && (old.knownFrom !== undefined) === isRunning) return
    const knownFrom = isRunning ? this.#now() + PUBLISHED_WITHIN_MS : undefined
    this.#takings.set(key, { node, requests, knownFrom })
    const entry = this.#entry(node)
    if (old && old.node !== node) this.#drop(key, old.node)
    if (old?.node === node && knownFrom !== undefined) {
      entry.staleAt = Math.min(entry.staleAt, knownFrom)
      return
    }
    entry.pods.add(key)
    entry.bins = entry.bins && packed(entry.bins, requests)
  }

  release(key: ObjectKey): void {
    const taking = this.#takings.get(key)
    this.#takings.delete(key)
    if (taking) this.#drop(key, taking.node)
  }

  /** The first of these nodes with a machine that has room; undefined when none has. */
  choose(nodes: readonly string[], requests: ResourceList): string | undefined {
    return nodes.find((name) => {
      const bins = this.#bins(name)
      return bins === undefined || bins.some(({ machines, free }) => machines > 0 && hasRoom(free, requests))
    })
  }

  /** How many machines of a node have room for it by the node's own word, whatever was promised meanwhile. */
  machinesFor(name: string, requests: ResourceList): number {
    const { node } = this.#entries.get(name) ?? {}
    const bins = (node && binsOf(node, new Map())) ?? []
    return bins.reduce((sum, { machines, free }) => (hasRoom(free, requests) ? sum + machines : sum), 0)
  }

  /** How long until more may be known to be free on one of these nodes although nothing is told; undefined: not at all. */
  freesWithinMs(nodes: readonly string[]): number | undefined {
    const staleAt = Math.min(...nodes.map((name) => this.#entries.get(name)?.staleAt ?? Number.POSITIVE_INFINITY))
    return Number.isFinite(staleAt) ? Math.max(staleAt - this.#now(), 1) : undefined
  }

  #bins(name: string): Bin[] | undefined {
    const entry = this.#entries.get(name)
    if (entry?.node === undefined) return undefined
    if (entry.bins === undefined || entry.staleAt <= this.#now()) entry.bins = this.#packedBins(entry, entry.node)
    return entry.bins
  }

  #packedBins(entry: Entry, node: Node): Bin[] | undefined {
    const now = this.#now()
    const isVirtual = node.metadata.annotations?.[freeShapesAnnotation] !== undefined
    entry.staleAt = Number.POSITIVE_INFINITY
    if (!isVirtual) {
      const takings = [...entry.pods].flatMap((key) => this.#takings.get(key) ?? [])
      return binsOf(
        node,
        takings.reduce<ResourceList>((sum, { requests }) => addResources(sum, requests), new Map()),
      )
    }
    let bins = binsOf(node, new Map())
    for (const key of entry.pods) {
      const { requests, knownFrom } = this.#takings.get(key) ?? {}
      if (requests === undefined || (knownFrom !== undefined && knownFrom <= now)) {
        entry.pods.delete(key)
        continue
      }
      if (knownFrom !== undefined) entry.staleAt = Math.min(entry.staleAt, knownFrom)
      // One that does not fit any more has its place in the leaf already, or waits there: it takes nothing that is left.
      bins = bins && (packed(bins, requests) ?? bins)
    }
    return bins
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? {
      node: undefined,
      pods: new Set<ObjectKey>(),
      bins: undefined,
      staleAt: Number.POSITIVE_INFINITY,
    }
    this.#entries.set(name, entry)
    return entry
  }

  #drop(key: ObjectKey, node: string): void {
    const entry = this.#entries.get(node)
    if (entry === undefined) return
    if (entry.pods.delete(key)) entry.bins = undefined
    if (entry.pods.size === 0 && entry.node === undefined) this.#entries.delete(node)
  }
}
