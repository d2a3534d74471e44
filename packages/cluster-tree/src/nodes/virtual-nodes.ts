import { isDeepStrictEqual } from 'node:util'
import type { ClusterTreeOptions, VirtualNodeModel } from '@kosmos/api'
import {
  Controller,
  type Informer,
  type Node,
  type Pod,
  parseResources,
  type ReconcileObservation,
  type Requeue,
} from '@kosmos/kube'
import type { ConnectedKubelet } from '../kubelet/kubelets.ts'
import type { Beat } from '../leaf/heartbeat.ts'
import { CapacityLedger } from './capacity.ts'
import { type FreeRoom, freeRoom } from './free-shapes.ts'
import { type Home, homeOf } from './home.ts'
import { isSameOffer } from './leaf-node.ts'
import { leaseRound } from './lease-round.ts'
import { type Membership, membership } from './membership.ts'
import { isNodeOf } from './ownership.ts'
import type { NodeTaint } from './template.ts'
import { type NodeRefusal, VirtualNode, type VirtualNodeOptions } from './virtual-node.ts'

export interface VirtualNodesOptions extends Omit<VirtualNodeOptions, 'name' | 'rootNodes' | 'endpoint'> {
  readonly rootNodes: Informer<Node>
  readonly leafNodes: Informer<Node>
  readonly foreignPods: Informer<Pod>
  /** Our copies. */
  readonly leafPods: Pick<Informer<Pod>, 'subscribe' | 'synced'>
  /** Starts to serve the kubelet API of a virtual node; `listening` is called when its endpoint is known. */
  readonly serveKubelet: (nodeName: string, listening: () => void) => ConnectedKubelet
  /** Moves the pods of a virtual node that has no model any more elsewhere, as far as they may go now. */
  readonly drain: (nodeName: string) => Promise<Drained>
  /** Whether root pods are bound to the node. */
  readonly hasPods: (nodeName: string) => boolean
  /** A virtual node is there and ours, so that its pods are ours to run; or is not any more. */
  readonly onServed: (nodeName: string, isServed: boolean) => void
  /** A virtual node has no model any more. */
  readonly onRetiring: (nodeName: string) => void
  /** Called when {@link VirtualNodes.refused} or {@link VirtualNodes.heldBack} has changed. */
  readonly changed: () => void
  /** Leases could not be renewed. */
  readonly onLeaseFailed?: (error: Error) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

export interface Drained {
  /** None is left to move. */
  readonly isEmpty: boolean
  /** Why pods stay for now, of one of those that do. */
  readonly heldBack: string | undefined
}

/** What the Cluster says of all its virtual nodes. */
export interface NodeSettings {
  readonly taint?: NodeTaint | undefined
  /** What each leaf node keeps back. */
  readonly reserved?: ClusterTreeOptions['reserved']
  readonly priority?: ClusterTreeOptions['placementPriority']
}

interface Served {
  readonly node: VirtualNode
  /** None as long as the node is not ours: another node of that name has its own. */
  kubelet: ConnectedKubelet | undefined
  /** Names of the leaf nodes that it stands for. */
  readonly members: Set<string>
  /** None while only its name is known: it is kept as it is. */
  model: VirtualNodeModel | undefined
  isRetiring: boolean
  refused: NodeRefusal | undefined
  heldBack: string | undefined
  /** What is left in its leaf nodes, as last added up. */
  room: FreeRoom
  empty: FreeRoom['shapes']
  roomAt: number
  roomIsStale: boolean
}

/** Changes of capacity come in bursts; the root hears of them at most this often. */
const SETTLE_MS = 500
/** As pods come and go, what is left in leaf nodes is added up at most this often. */
const ROOM_MS = 5_000
/** Between looks at what a virtual node that is given up still has. */
const RETIRE_MS = 5_000

/**
 * The nodes of the root that stand for a leaf: there, with the capacity of their leaf nodes, and alive as long as the leaf
 * answers. While it does not, nothing is written, and the root's own node lifecycle controller draws the conclusions, as it
 * does for any node whose Lease runs out.
 */
export class VirtualNodes {
  readonly #options: VirtualNodesOptions
  readonly #controller: Controller
  readonly #capacity = new CapacityLedger()
  readonly #served = new Map<string, Served>()
  /** The virtual node that each leaf node is part of. */
  readonly #homes = new Map<string, string>()
  #membership: Membership = membership([])
  #taint: NodeTaint = 'NoSchedule'
  #priority = 0
  #beat: Beat['kind'] = 'ready'
  #leaving = false
  #leaseRound: AbortController | undefined

  constructor(options: VirtualNodesOptions) {
    this.#options = options
    this.#controller = new Controller({
      name: 'virtualnodes',
      concurrency: 16,
      reconcile: (name) => this.#reconcile(name),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.#controller.watch(options.leafNodes, (change) => {
      const { type, key, object } = change
      if (type === 'updated' && isSameOffer(change.old, object)) return []
      this.#assign(key, type === 'deleted' ? undefined : object)
      return []
    })
    this.#controller.watch(options.foreignPods, ({ type, key, object }) => {
      if (type === 'deleted') this.#capacity.removePod(key)
      else this.#capacity.setPod(object)
      this.#soon(this.#homes.get(object.spec.nodeName ?? ''))
      return []
    })
    this.#controller.watch(options.leafPods, ({ type, key, object }) => {
      const isChanged = type === 'deleted' ? this.#capacity.removeCopy(key) : this.#capacity.setCopy(object)
      if (isChanged) this.#soon(this.#homes.get(object.spec.nodeName ?? ''), ROOM_MS)
      return []
    })
    this.#controller.watch(options.rootNodes, ({ type, key }) => {
      if (!this.#served.has(key)) return []
      if (type === 'deleted') return [key]
      // Most changes are our own: at once they would let the next one in a burst through.
      this.#controller.enqueueAfter(key, SETTLE_MS)
      return []
    })
  }

  /**
   * Takes up what the Cluster says; undefined when that cannot be used, and then what is there goes on. A virtual node
   * without a model takes no new pods and goes when it has none.
   */
  apply(models: readonly VirtualNodeModel[] | undefined, { taint, reserved, priority }: NodeSettings = {}): void {
    this.#taint = taint ?? 'NoSchedule'
    this.#priority = priority ?? 0
    this.#capacity.setReserved(parseResources(reserved))
    const { rootNodes, clusterName, leafNodes } = this.#options
    for (const model of models ?? []) this.#serve(model.name, model)
    for (const node of rootNodes.store.values()) {
      if (isNodeOf(node, clusterName) && !this.#served.has(node.metadata.name)) this.#serve(node.metadata.name)
    }
    for (const name of this.#served.keys()) this.#controller.enqueue(name)
    if (models === undefined) return
    const wanted = new Set(models.map(({ name }) => name))
    for (const [name, served] of this.#served) if (!wanted.has(name)) this.#giveUp(name, served)
    this.#membership = membership(models)
    for (const node of leafNodes.store.values()) this.#assign(node.metadata.name, node)
  }

  /** Why one of the nodes cannot be made. */
  get refused(): NodeRefusal | undefined {
    for (const { refused } of this.#served.values()) if (refused) return refused
    return undefined
  }

  /** Why one of the nodes that are given up still has pods, when these may not go yet. */
  get heldBack(): string | undefined {
    for (const [name, { heldBack }] of this.#served)
      if (heldBack) return `${name} is given up, and stays until its pods may be evicted; ${heldBack}`
    return undefined
  }

  /** Where in the leaf the pods of a virtual node may run; undefined when it takes no new ones. */
  homeOf(nodeName: string): Home | undefined {
    const model = this.#served.get(nodeName)?.model
    return model && homeOf(model)
  }

  /** The leaf nodes that a virtual node stands for. */
  *membersOf(nodeName: string): Iterable<Node> {
    for (const member of this.#served.get(nodeName)?.members ?? []) {
      const node = this.#options.leafNodes.get(member)
      if (node) yield node
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal)
    this.#endLeaseRound()
    for (const { kubelet } of this.#served.values()) kubelet?.disconnect()
  }

  /** Renews the nodes' Leases while the leaf answers; resolves when that is done. */
  async onBeat(beat: Beat): Promise<void> {
    const recovered = beat.kind === 'ready' && this.#beat !== 'ready'
    this.#beat = beat.kind
    // The root may have called the nodes unknown meanwhile.
    if (recovered) for (const name of this.#served.keys()) this.#controller.enqueue(name)
    if (beat.kind === 'ready') await this.#renewLeases()
    else this.#endLeaseRound()
  }

  #endLeaseRound(): void {
    this.#leaseRound?.abort()
    this.#leaseRound = undefined
  }

  async #renewLeases(): Promise<void> {
    // One that is not over yet comes to every node all the same.
    if (this.#leaseRound) return
    const round = new AbortController()
    this.#leaseRound = round
    const nodes = [...this.#served.values()].map(({ node }) => node)
    const onFailure = (error: Error) => this.#options.onLeaseFailed?.(error)
    await leaseRound(nodes, { signal: round.signal, renew: (node) => node.renewLease(), onFailure })
    if (this.#leaseRound === round) this.#leaseRound = undefined
  }

  /** Takes no new pods from now on; a node that is deleted is not made again. */
  async leave(): Promise<void> {
    this.#leaving = true
    await Promise.all([...this.#served.values()].map(({ node }) => node.closeToNewPods()))
  }

  /** Takes {@link leave} back. */
  stay(): void {
    if (!this.#leaving) return
    this.#leaving = false
    for (const name of this.#served.keys()) this.#controller.enqueue(name)
  }

  #serve(name: string, model?: VirtualNodeModel): void {
    const present = this.#served.get(name)
    if (present) {
      present.model = model
      present.isRetiring = false
      this.#holdBack(present, undefined)
      return
    }
    const node = new VirtualNode({
      ...this.#options,
      name,
      endpoint: () => this.#served.get(name)?.kubelet?.endpoint,
    })
    const served = {
      node,
      kubelet: undefined,
      members: new Set<string>(),
      model,
      isRetiring: false,
      refused: undefined,
      heldBack: undefined,
      room: freeRoom([]),
      empty: [],
      roomAt: Number.NEGATIVE_INFINITY,
      roomIsStale: true,
    }
    this.#served.set(name, served)
    if (node.present) this.#open(name, served)
  }

  /** Serves a node that is there and ours. */
  #open(name: string, served: Served): void {
    if (served.kubelet) return
    served.kubelet = this.#options.serveKubelet(name, () => this.#controller.enqueue(name))
    this.#options.onServed(name, true)
  }

  async #close(name: string, served: Served): Promise<void> {
    const { kubelet } = served
    if (!kubelet) return
    served.kubelet = undefined
    this.#options.onServed(name, false)
    await kubelet.close()
  }

  #giveUp(name: string, served: Served): void {
    if (served.isRetiring) return
    served.model = undefined
    served.isRetiring = true
    this.#refuse(served, undefined)
    this.#options.onRetiring(name)
  }

  /** Makes a leaf node part of the virtual node that it belongs to now; `node` undefined: it is gone. */
  #assign(name: string, node: Node | undefined): void {
    const [before, home] = [this.#homes.get(name), node && this.#membership.homeOf(node)]
    if (before !== home) {
      this.#served.get(before ?? '')?.members.delete(name)
      this.#soon(before)
    }
    if (node && home) {
      this.#capacity.setNode(node, home)
      this.#served.get(home)?.members.add(name)
      this.#homes.set(name, home)
      this.#soon(home)
    } else {
      this.#capacity.removeNode(name)
      this.#homes.delete(name)
    }
  }

  /** Leaves a burst of changes in the leaf nodes of a virtual node to one later reconcile. */
  #soon(nodeName: string | undefined, afterMs = SETTLE_MS): void {
    if (nodeName === undefined) return
    const served = this.#served.get(nodeName)
    if (served) served.roomIsStale = true
    this.#controller.enqueueAfter(nodeName, afterMs)
  }

  async #reconcile(name: string): Promise<Requeue> {
    const served = this.#served.get(name)
    if (!served || this.#beat !== 'ready') return
    if (served.isRetiring) return await this.#retire(name, served)
    const { node, model } = served
    if (!model) return
    const members = [...this.membersOf(name)]
    const roomIsDue = this.#addUpRoom(served)
    const isUnknown = model.kind === 'node' && members.length === 0 && !node.present
    const wasLeaving = this.#leaving
    const refused = isUnknown
      ? ({ reason: 'LeafNodeNotFound', detail: name } as const)
      : await node.bringAbout(
          {
            model,
            members,
            offer: this.#capacity.offer(name),
            room: served.room,
            empty: served.empty,
            taint: this.#taint,
            priority: this.#priority,
          },
          wasLeaving,
        )
    this.#refuse(served, refused)
    // It may have been on its way when the Cluster left.
    if (this.#leaving && !wasLeaving) await node.closeToNewPods()
    if (refused?.reason === 'NodeNameTaken') await this.#close(name, served)
    else if (!refused && !this.#leaving) this.#open(name, served)
    return refused && !isUnknown ? { afterMs: 30_000 } : roomIsDue
  }

  /** Returns when to come back for what it is too soon for. */
  #addUpRoom(served: Served): Requeue {
    if (!served.roomIsStale) return undefined
    const afterMs = served.roomAt + ROOM_MS - performance.now()
    if (afterMs > 0) return { afterMs }
    served.roomIsStale = false
    served.roomAt = performance.now()
    const members = [...served.members]
    served.room = freeRoom(members.flatMap((member) => this.#capacity.leftIn(member) ?? []))
    served.empty = freeRoom(members.flatMap((member) => this.#capacity.emptied(member) ?? [])).shapes
    return undefined
  }

  async #retire(name: string, served: Served): Promise<Requeue> {
    const { drain, hasPods } = this.#options
    if (!(await served.node.read())) {
      // Pods of DaemonSets, which are not moved, end with the node. Those of a node that never was ours are not touched.
      if (served.kubelet && hasPods(name)) return { afterMs: RETIRE_MS }
      // The Cluster may have got a model for it meanwhile.
      if (!served.isRetiring) return { afterMs: 0 }
      this.#served.delete(name)
      this.#refuse(served, undefined)
      this.#holdBack(served, undefined)
      await this.#close(name, served)
      return
    }
    await served.node.closeToNewPods()
    const { isEmpty, heldBack } = await drain(name)
    // The Cluster may have got a model for it meanwhile.
    if (served.isRetiring) this.#holdBack(served, heldBack)
    if (!isEmpty) return { afterMs: RETIRE_MS }
    if (served.isRetiring) await served.node.remove()
    return { afterMs: 100 }
  }

  #holdBack(served: Served, heldBack: string | undefined): void {
    if (heldBack === served.heldBack) return
    served.heldBack = heldBack
    this.#options.changed()
  }

  #refuse(served: Served, refusal: NodeRefusal | undefined): void {
    if (isDeepStrictEqual(refusal, served.refused)) return
    served.refused = refusal
    this.#options.changed()
  }
}
