import {
  equalResources,
  keyOf,
  type Node,
  type ObjectKey,
  type Pod,
  parseQuantity,
  parseResources,
  Quantity,
  type ResourceList,
} from '@kosmos/kube'
import { podRequests } from './pod-requests.ts'
import { ResourceSum } from './resource-sum.ts'

/** What a virtual node offers. */
export interface Offer {
  /** Sum of the capacities of the leaf nodes that count. */
  readonly capacity: ResourceList
  /** What is left of their allocatable after the pods of others. Never negative. */
  readonly allocatable: ResourceList
}

interface NodeShare {
  /** The virtual node that it is part of. */
  readonly home: string
  readonly counts: boolean
  readonly capacity: ResourceList
  readonly allocatable: ResourceList
  /** What this node adds to the offer: allocatable less what is used, never below zero. */
  free: ResourceList
}

interface PodShare {
  readonly nodeName: string
  readonly requests: ResourceList
}

const none: ResourceList = new Map()

/** The sums over the leaf nodes of one virtual node. */
interface Sums {
  readonly capacity: ResourceSum
  readonly allocatable: ResourceSum
}

/**
 * What each virtual node of a leaf offers, kept up to date event by event: each costs as much as the resources of one node,
 * however many nodes and pods there are. Knows the leaf's nodes and the pods of others; our own pods are the root scheduler's
 * to count.
 *
 * Nodes count while they are Ready and not cordoned, less what each keeps back. A node on which others asked for more than there is adds nothing, and
 * takes nothing from its neighbours.
 */
export class CapacityLedger {
  readonly #nodes = new Map<string, NodeShare>()
  readonly #pods = new Map<ObjectKey, PodShare>()
  readonly #usedByNode = new Map<string, ResourceSum>()
  readonly #sums = new Map<string, Sums>()
  #reserved: ResourceList = none

  offer(home: string): Offer {
    const { capacity, allocatable } = this.#sums.get(home) ?? {}
    return { capacity: capacity?.get() ?? none, allocatable: allocatable?.get() ?? none }
  }

  /** What every leaf node keeps back. */
  setReserved(reserved: ResourceList): void {
    if (equalResources(reserved, this.#reserved)) return
    this.#reserved = reserved
    for (const name of this.#nodes.keys()) this.#settle(name)
  }

  /** A leaf node appeared or changed, or became part of another virtual node. */
  setNode(node: Node, home: string): void {
    const { name } = node.metadata
    const { capacity, allocatable } = node.status ?? {}
    const old = this.#nodes.get(name)
    const share = {
      home,
      counts: isAvailable(node),
      capacity: parseResources(capacity),
      allocatable: parseResources(allocatable),
      free: none,
    }
    const isSame =
      old?.home === home &&
      old.counts === share.counts &&
      equalResources(old.capacity, share.capacity) &&
      equalResources(old.allocatable, share.allocatable)
    if (isSame) return
    this.removeNode(name)
    this.#nodes.set(name, share)
    if (!share.counts) return
    this.#sumsOf(home).capacity.add(share.capacity)
    this.#settle(name)
  }

  removeNode(name: string): void {
    const share = this.#nodes.get(name)
    if (share === undefined) return
    this.#nodes.delete(name)
    if (!share.counts) return
    const { capacity, allocatable } = this.#sumsOf(share.home)
    capacity.subtract(share.capacity)
    allocatable.subtract(share.free)
    if (capacity.isEmpty && allocatable.isEmpty) this.#sums.delete(share.home)
  }

  /** A pod that is not ours appeared or changed. */
  setPod(pod: Pod): void {
    const key = keyOf(pod)
    const old = this.#pods.get(key)
    const share = shareOf(pod)
    if (old && share && old.nodeName === share.nodeName && equalResources(old.requests, share.requests)) return
    this.removePod(key)
    if (share === undefined) return
    this.#pods.set(key, share)
    const used = this.#usedByNode.get(share.nodeName) ?? new ResourceSum()
    this.#usedByNode.set(share.nodeName, used)
    used.add(share.requests)
    this.#settle(share.nodeName)
  }

  removePod(key: ObjectKey): void {
    const share = this.#pods.get(key)
    if (share === undefined) return
    this.#pods.delete(key)
    const used = this.#usedByNode.get(share.nodeName)
    used?.subtract(share.requests)
    if (used?.isEmpty) this.#usedByNode.delete(share.nodeName)
    this.#settle(share.nodeName)
  }

  /** Brings what a node adds to the offer up to date. */
  #settle(nodeName: string): void {
    const share = this.#nodes.get(nodeName)
    if (!share?.counts) return
    const used = this.#usedByNode.get(nodeName)?.get() ?? none
    const { allocatable } = this.#sumsOf(share.home)
    allocatable.subtract(share.free)
    const free = (name: string, quantity: Quantity) => less(less(quantity, used.get(name)), this.#reserved.get(name))
    share.free = new Map([...share.allocatable].map(([name, quantity]) => [name, free(name, quantity)]))
    allocatable.add(share.free)
  }

  #sumsOf(home: string): Sums {
    const sums = this.#sums.get(home) ?? { capacity: new ResourceSum(), allocatable: new ResourceSum() }
    this.#sums.set(home, sums)
    return sums
  }
}

/** Whether pods can come to a leaf node. */
export function isAvailable(node: Node): boolean {
  return !node.spec?.unschedulable && node.metadata.deletionTimestamp === undefined && isReady(node)
}

/** Whether the node's kubelet is there. */
export function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

function less(quantity: Quantity, used: Quantity | undefined): Quantity {
  if (used === undefined) return quantity
  const left = quantity.sub(used)
  return left.sign < 0 ? Quantity.zero : left
}

/** What a pod takes, itself counted as one of `pods`; undefined when it takes nothing, being unbound or ended. */
function shareOf(pod: Pod): PodShare | undefined {
  const { nodeName } = pod.spec
  const phase = pod.status?.phase
  if (!nodeName || phase === 'Succeeded' || phase === 'Failed') return undefined
  return { nodeName, requests: new Map([...podRequests(pod), ['pods', one]]) }
}

const one = parseQuantity('1')
