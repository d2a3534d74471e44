import type { ClusterTreeOptions, VirtualNodeModel } from '@kosmos/api'
import { type Informer, type Node, type ObjectKey, type Pod, parseResources, type Requeue } from '@kosmos/kube'
import { CapacityLedger, type Offer } from './capacity.ts'
import { type FreeRoom, freeRoom } from './free-shapes.ts'
import { type Membership, membership } from './membership.ts'

/** Changes of capacity come in bursts; the root hears of them at most this often. */
export const SETTLE_MS = 500
/** As pods come and go, what is left in leaf nodes is added up at most this often. */
const ROOM_MS = 5_000

/** What stands behind a virtual node. */
export interface Members {
  readonly members: readonly Node[]
  readonly offer: Offer
  /** What is left in its leaf nodes, as last added up. */
  readonly room: FreeRoom
  /** What its leaf nodes would have if none of our pods were there, as last added up. */
  readonly empty: FreeRoom['shapes']
  /** When to ask again for what it is too soon to add up now. */
  readonly again: Requeue
}

interface Room {
  room: FreeRoom
  empty: FreeRoom['shapes']
  addedUpAt: number
  isStale: boolean
}

/** The leaf nodes that each virtual node of a leaf stands for, and what they offer together, event by event. */
export class MemberNodes {
  readonly #leafNodes: Pick<Informer<Node>, 'get' | 'store'>
  readonly #onChange: (nodeName: string, afterMs: number) => void
  readonly #capacity = new CapacityLedger()
  /** Names of the leaf nodes of each virtual node. */
  readonly #members = new Map<string, Set<string>>()
  /** The virtual node that each leaf node is part of. */
  readonly #homes = new Map<string, string>()
  readonly #rooms = new Map<string, Room>()
  #membership: Membership = membership([])

  /** @param onChange something may have changed behind a virtual node; it is worth a look after so many ms */
  constructor(leafNodes: Pick<Informer<Node>, 'get' | 'store'>, onChange: (nodeName: string, afterMs: number) => void) {
    this.#leafNodes = leafNodes
    this.#onChange = onChange
  }

  /** What each leaf node keeps back. */
  setReserved(reserved: ClusterTreeOptions['reserved']): void {
    this.#capacity.setReserved(parseResources(reserved))
  }

  setModels(models: readonly VirtualNodeModel[]): void {
    this.#membership = membership(models)
    for (const node of this.#leafNodes.store.values()) this.setLeafNode(node)
  }

  setLeafNode(node: Node): void {
    const { name } = node.metadata
    const home = this.#membership.homeOf(node)
    if (home === undefined) {
      this.removeLeafNode(name)
      return
    }
    if (this.#homes.get(name) !== home) this.#leaveHome(name)
    this.#homes.set(name, home)
    this.#membersOf(home).add(name)
    this.#capacity.setNode(node, home)
    this.#changed(home)
  }

  removeLeafNode(name: string): void {
    this.#leaveHome(name)
    this.#homes.delete(name)
    this.#capacity.removeNode(name)
  }

  setForeignPod(pod: Pod): void {
    this.#capacity.setPod(pod)
    this.#changedAt(pod, SETTLE_MS)
  }

  removeForeignPod(key: ObjectKey, pod: Pod): void {
    this.#capacity.removePod(key)
    this.#changedAt(pod, SETTLE_MS)
  }

  setCopy(pod: Pod): void {
    if (this.#capacity.setCopy(pod)) this.#changedAt(pod, ROOM_MS)
  }

  removeCopy(key: ObjectKey, pod: Pod): void {
    if (this.#capacity.removeCopy(key)) this.#changedAt(pod, ROOM_MS)
  }

  /** The leaf nodes that a virtual node stands for. */
  *of(nodeName: string): Iterable<Node> {
    for (const name of this.#members.get(nodeName) ?? []) {
      const node = this.#leafNodes.get(name)
      if (node) yield node
    }
  }

  /** What stands behind a virtual node now. */
  behind(nodeName: string): Members {
    const room = this.#roomOf(nodeName)
    const again = this.#addUp(nodeName, room)
    return {
      members: [...this.of(nodeName)],
      offer: this.#capacity.offer(nodeName),
      room: room.room,
      empty: room.empty,
      again,
    }
  }

  /** A virtual node is gone. */
  forget(nodeName: string): void {
    this.#rooms.delete(nodeName)
  }

  #addUp(nodeName: string, room: Room): Requeue {
    if (!room.isStale) return undefined
    const afterMs = room.addedUpAt + ROOM_MS - performance.now()
    if (afterMs > 0) return { afterMs }
    room.isStale = false
    room.addedUpAt = performance.now()
    const names = [...this.#membersOf(nodeName)]
    room.room = freeRoom(names.flatMap((name) => this.#capacity.leftIn(name) ?? []))
    room.empty = freeRoom(names.flatMap((name) => this.#capacity.emptied(name) ?? [])).shapes
    return undefined
  }

  #leaveHome(name: string): void {
    const home = this.#homes.get(name)
    if (home === undefined) return
    const others = this.#membersOf(home)
    others.delete(name)
    if (others.size === 0) this.#members.delete(home)
    this.#changed(home)
  }

  #changedAt({ spec }: Pod, afterMs: number): void {
    const home = this.#homes.get(spec.nodeName ?? '')
    if (home !== undefined) this.#changed(home, afterMs)
  }

  #changed(home: string, afterMs = SETTLE_MS): void {
    this.#roomOf(home).isStale = true
    this.#onChange(home, afterMs)
  }

  #membersOf(home: string): Set<string> {
    const members = this.#members.get(home) ?? new Set()
    this.#members.set(home, members)
    return members
  }

  #roomOf(home: string): Room {
    const room = this.#rooms.get(home) ?? {
      room: freeRoom([]),
      empty: [],
      addedUpAt: Number.NEGATIVE_INFINITY,
      isStale: true,
    }
    this.#rooms.set(home, room)
    return room
  }
}
