import {
  equalResources,
  type Node,
  type ObjectKey,
  type Pod,
  parseResources,
  Quantity,
  type ResourceList,
} from '@kosmos/kube'
import { PodUsage } from './pod-usage.ts'
import { ResourceSum } from './resource-sum.ts'

/** What a virtual node offers. */
export interface Offer {
  /** Sum of the capacities of the leaf nodes that count. */
  readonly capacity: ResourceList
  /** What is left of their allocatable after the pods of others. Never negative. */
  readonly allocatable: ResourceList
}

const nothing: Offer = { capacity: new Map(), allocatable: new Map() }

interface NodeShare {
  /** The virtual node that it is part of. */
  readonly home: string
  readonly counts: boolean
  readonly capacity: ResourceList
  readonly allocatable: ResourceList
  /** What this node adds to the offer. */
  offer: Offer
}

/** The sums over the leaf nodes of one virtual node. */
interface Sums {
  readonly capacity: ResourceSum
  readonly allocatable: ResourceSum
}

/**
 * What each virtual node of a leaf offers, kept up to date event by event: each costs as much as the resources of one node,
 * however many nodes and pods there are. Knows the leaf's nodes and the pods of others; our own pods are the root scheduler's
 * to count, and count here only for what is left in one leaf node, and for nodes that take none.
 *
 * Nodes count while they are Ready and not cordoned, less what each keeps back. A node on which others asked for more than there is adds nothing, and
 * takes nothing from its neighbours.
 *
 * Of a node that does not count, the offer has what our own pods take of it: the root's scheduler counts them against the
 * virtual node wherever they are, and they leave what the other nodes have to others.
 */
export class CapacityLedger {
  readonly #nodes = new Map<string, NodeShare>()
  readonly #others = new PodUsage()
  readonly #ours = new PodUsage()
  readonly #sums = new Map<string, Sums>()
  #reserved: ResourceList = new Map()

  offer(home: string): Offer {
    const sums = this.#sums.get(home)
    return sums ? { capacity: sums.capacity.get(), allocatable: sums.allocatable.get() } : nothing
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
      offer: nothing,
    }
    const isSame =
      old?.home === home &&
      old.counts === share.counts &&
      equalResources(old.capacity, share.capacity) &&
      equalResources(old.allocatable, share.allocatable)
    if (isSame) return
    this.removeNode(name)
    this.#nodes.set(name, share)
    this.#settle(name)
  }

  removeNode(name: string): void {
    const share = this.#nodes.get(name)
    if (share === undefined) return
    this.#nodes.delete(name)
    const { capacity, allocatable } = this.#sumsOf(share.home)
    capacity.subtract(share.offer.capacity)
    allocatable.subtract(share.offer.allocatable)
    if (capacity.isEmpty && allocatable.isEmpty) this.#sums.delete(share.home)
  }

  /** A pod that is not ours appeared or changed. */
  setPod(pod: Pod): void {
    for (const nodeName of this.#others.set(pod)) this.#settle(nodeName)
  }

  removePod(key: ObjectKey): void {
    for (const nodeName of this.#others.remove(key)) this.#settle(nodeName)
  }

  /** A pod of ours appeared or changed. Whether that has changed what is left in a leaf node. */
  setCopy(pod: Pod): boolean {
    return this.#settleCopies(this.#ours.set(pod))
  }

  removeCopy(key: ObjectKey): boolean {
    return this.#settleCopies(this.#ours.remove(key))
  }

  #settleCopies(nodeNames: readonly string[]): boolean {
    for (const nodeName of nodeNames) if (!this.#nodes.get(nodeName)?.counts) this.#settle(nodeName)
    return nodeNames.length > 0
  }

  /** What is left in a leaf node after all pods, ours too; undefined for one that does not count. */
  leftIn(nodeName: string): ResourceList | undefined {
    const share = this.#nodes.get(nodeName)
    if (!share?.counts) return undefined
    const used = this.#ours.on(nodeName)
    return new Map([...share.offer.allocatable].map(([name, quantity]) => [name, less(quantity, used.get(name))]))
  }

  /** What a leaf node would have left if none of our pods were there; undefined for one that does not count. */
  emptied(nodeName: string): ResourceList | undefined {
    const share = this.#nodes.get(nodeName)
    return share?.counts ? share.offer.allocatable : undefined
  }

  /** Brings what a node adds to the offer up to date. */
  #settle(nodeName: string): void {
    const share = this.#nodes.get(nodeName)
    if (share === undefined) return
    const { capacity, allocatable } = this.#sumsOf(share.home)
    capacity.subtract(share.offer.capacity)
    allocatable.subtract(share.offer.allocatable)
    share.offer = this.#offerOf(nodeName, share)
    capacity.add(share.offer.capacity)
    allocatable.add(share.offer.allocatable)
  }

  #offerOf(nodeName: string, { counts, capacity, allocatable }: NodeShare): Offer {
    const ours = this.#ours.on(nodeName)
    if (!counts) return { capacity: ours, allocatable: ours }
    const used = this.#others.on(nodeName)
    const free = (name: string, quantity: Quantity) => less(less(quantity, used.get(name)), this.#reserved.get(name))
    return { capacity, allocatable: new Map([...allocatable].map(([name, quantity]) => [name, free(name, quantity)])) }
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
