import { isDeepStrictEqual } from 'node:util'
import type { ClusterTreeOptions, VirtualNodeModel } from '@kosmos/api'
import { Controller, type Informer, type Node, type Pod, type ReconcileObservation, type Requeue } from '@kosmos/kube'
import type { ConnectedKubelet } from '../kubelet/kubelets.ts'
import type { Beat } from '../leaf/heartbeat.ts'
import { type Home, homeOf } from './home.ts'
import { isSameOffer } from './leaf-node.ts'
import { leaseRound } from './lease-round.ts'
import { MemberNodes, SETTLE_MS } from './members.ts'
import { isNodeOf } from './ownership.ts'
import type { NodeTaint } from './template.ts'
import { type NodeRefusal, VirtualNode, type VirtualNodeOptions } from './virtual-node.ts'
import type { WatchedNode } from './watched-node.ts'

export interface VirtualNodesOptions extends Omit<VirtualNodeOptions, 'name' | 'rootNodes' | 'endpoint'> {
  readonly rootNodes: Informer<WatchedNode>
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
  /** None while only its name is known: it is kept as it is. */
  model: VirtualNodeModel | undefined
  isRetiring: boolean
  refused: NodeRefusal | undefined
  heldBack: string | undefined
}

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
  readonly #members: MemberNodes
  readonly #served = new Map<string, Served>()
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
    // Leaves a burst of changes in the leaf nodes of a virtual node to one later reconcile.
    this.#members = new MemberNodes(options.leafNodes, (name, afterMs) => this.#controller.enqueueAfter(name, afterMs))
    this.#controller.watch(options.leafNodes, (change) => {
      const { type, key, object } = change
      if (type === 'deleted') this.#members.removeLeafNode(key)
      else if (type !== 'updated' || !isSameOffer(change.old, object)) this.#members.setLeafNode(object)
      return []
    })
    this.#controller.watch(options.foreignPods, ({ type, key, object }) => {
      if (type === 'deleted') this.#members.removeForeignPod(key, object)
      else this.#members.setForeignPod(object)
      return []
    })
    this.#controller.watch(options.leafPods, ({ type, key, object }) => {
      if (type === 'deleted') this.#members.removeCopy(key, object)
      else this.#members.setCopy(object)
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
    this.#members.setReserved(reserved)
    const { rootNodes, clusterName } = this.#options
    for (const model of models ?? []) this.#serve(model.name, model)
    for (const node of rootNodes.store.values()) {
      if (isNodeOf(node, clusterName) && !this.#served.has(node.metadata.name)) this.#serve(node.metadata.name)
    }
    for (const name of this.#served.keys()) this.#controller.enqueue(name)
    if (models === undefined) return
    const wanted = new Set(models.map(({ name }) => name))
    for (const [name, served] of this.#served) if (!wanted.has(name)) this.#giveUp(name, served)
    this.#members.setModels(models)
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
  membersOf(nodeName: string): Iterable<Node> {
    return this.#members.of(nodeName)
  }

  /** What others advertise on a virtual node and none of its leaf nodes has. */
  rootResourcesOf(nodeName: string): readonly string[] {
    const advertised = this.#options.rootNodes.get(nodeName)?.advertised ?? []
    if (advertised.length === 0) return advertised
    const members = [...this.membersOf(nodeName)]
    return advertised.filter((name) => !members.some(({ status }) => status?.capacity?.[name] !== undefined))
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
      model,
      isRetiring: false,
      refused: undefined,
      heldBack: undefined,
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

  async #reconcile(name: string): Promise<Requeue> {
    const served = this.#served.get(name)
    if (!served || this.#beat !== 'ready') return
    if (served.isRetiring) return await this.#retire(name, served)
    const { node, model } = served
    if (!model) return
    const { again, ...behind } = this.#members.behind(name)
    const isUnknown = model.kind === 'node' && behind.members.length === 0 && !node.present
    const wasLeaving = this.#leaving
    const refused = isUnknown
      ? ({ reason: 'LeafNodeNotFound', detail: name } as const)
      : await node.bringAbout({ ...behind, model, taint: this.#taint, priority: this.#priority }, wasLeaving)
    this.#refuse(served, refused)
    // It may have been on its way when the Cluster left.
    if (this.#leaving && !wasLeaving) await node.closeToNewPods()
    if (refused?.reason === 'NodeNameTaken') await this.#close(name, served)
    else if (!refused && !this.#leaving) this.#open(name, served)
    return refused && !isUnknown ? { afterMs: 30_000 } : again
  }

  async #retire(name: string, served: Served): Promise<Requeue> {
    const { drain, hasPods } = this.#options
    if (!(await served.node.read())) {
      // Pods of DaemonSets, which are not moved, end with the node. Those of a node that never was ours are not touched.
      if (served.kubelet && hasPods(name)) return { afterMs: RETIRE_MS }
      // The Cluster may have got a model for it meanwhile.
      if (!served.isRetiring) return { afterMs: 0 }
      this.#served.delete(name)
      this.#members.forget(name)
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
