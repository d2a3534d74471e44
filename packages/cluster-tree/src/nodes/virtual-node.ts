import { isDeepStrictEqual } from 'node:util'
import type { ClusterConditionReason } from '@kosmos/api'
import { type Client, Controller, type Informer, type Node, nodes, type Pod, type Requeue } from '@kosmos/kube'
import type { KubeletEndpoint } from '../kubelet/kubelets.ts'
import type { Beat } from '../leaf/heartbeat.ts'
import { CapacityLedger, isAvailable } from './capacity.ts'
import type { LeafHealth } from './conditions.ts'
import { renewNodeLease } from './lease.ts'
import { isNodeOf } from './ownership.ts'
import { virtualNode, virtualNodeStatus } from './template.ts'

export interface VirtualNodeOptions {
  readonly name: string
  readonly clusterName: string
  /** uid of the leaf's kube-system namespace. */
  readonly leafId: string
  /** gitVersion of the leaf. */
  readonly version: string
  readonly root: Client
  readonly rootNodes: Informer<Node>
  readonly leafNodes: Informer<Node>
  readonly foreignPods: Informer<Pod>
  readonly endpoint: () => KubeletEndpoint | undefined
  /** Called when {@link VirtualNode.refused} has changed. */
  readonly changed: () => void
}

export interface NodeRefusal {
  readonly reason: ClusterConditionReason<'VirtualNodesReady'>
  readonly detail: string
}

/** Changes of capacity come in bursts; the root hears of them at most this often. */
const SETTLE_MS = 500

/**
 * The node of the root that stands for a leaf: exists, has the leaf's capacity, and lives as long as the leaf answers.
 * The only writer of its status; while the leaf does not answer it writes nothing, and the root's own node lifecycle
 * controller draws the conclusions, as it does for any node whose Lease runs out.
 */
export class VirtualNode {
  readonly name: string
  readonly #options: VirtualNodeOptions
  readonly #controller: Controller
  readonly #capacity = new CapacityLedger()
  #beat: Beat['kind'] = 'ready'
  #refused: NodeRefusal | undefined
  #leaving = false

  constructor(options: VirtualNodeOptions) {
    this.name = options.name
    this.#options = options
    this.#controller = new Controller({ name: 'virtualnodes', concurrency: 1, reconcile: () => this.#reconcile() })
    this.#controller.watch(options.leafNodes, ({ type, key, object }) => {
      if (type === 'deleted') this.#capacity.removeNode(key)
      else this.#capacity.setNode(object)
      return this.#soon()
    })
    this.#controller.watch(options.foreignPods, ({ type, key, object }) => {
      if (type === 'deleted') this.#capacity.removePod(key)
      else this.#capacity.setPod(object)
      return this.#soon()
    })
    this.#controller.watch(options.rootNodes, ({ key }) => (key === this.name ? [key] : []))
  }

  /** Why the node cannot be made. */
  get refused() {
    return this.#refused
  }

  /** Something that no watch tells of has changed. */
  poke(): void {
    this.#controller.enqueue(this.name)
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal)
  }

  /** Renews the node's Lease while the leaf answers. */
  async onBeat(beat: Beat): Promise<void> {
    const recovered = beat.kind === 'ready' && this.#beat !== 'ready'
    this.#beat = beat.kind
    const node = this.#present()
    if (beat.kind === 'ready' && node) await renewNodeLease(this.#options.root, node)
    // The root may have called the node unknown meanwhile.
    if (recovered) this.poke()
  }

  /** Takes no new pods from now on, and is not made again when it is deleted. */
  async leave(): Promise<void> {
    this.#leaving = true
    const node = this.#present()
    if (!node || node.spec?.unschedulable) return
    const patch = { metadata: { uid: node.metadata.uid }, spec: { unschedulable: true } }
    await this.#options.root.patch(nodes, { name: this.name }, patch, { type: 'merge' })
  }

  #present(): Node | undefined {
    const node = this.#options.rootNodes.get(this.name)
    return node && isNodeOf(node, this.#options.clusterName) ? node : undefined
  }

  /** Leaves a burst of changes to one later reconcile. */
  #soon(): [] {
    this.#controller.enqueueAfter(this.name, SETTLE_MS)
    return []
  }

  async #reconcile(): Promise<Requeue> {
    if (this.#beat !== 'ready') return
    const members = [...this.#options.leafNodes.store.values()]
    const manifest = virtualNode(this.name, this.#options, members)
    const present = this.#present() ?? (this.#leaving ? undefined : await this.#create(manifest))
    if (!present) return this.#leaving ? undefined : { afterMs: 30_000 }
    this.#refuse(undefined)
    await this.#keepIdentity(present, manifest)
    await this.#writeStatus(present, members)
    return
  }

  async #create(manifest: ReturnType<typeof virtualNode>): Promise<Node | undefined> {
    const { root, clusterName } = this.#options
    const outcome = await root.create(nodes, manifest)
    if (outcome.ok) {
      // A new node is Ready only with its Lease: without one it would be judged by its status alone.
      await renewNodeLease(root, outcome.object)
      return outcome.object
    }
    const taken = outcome.reason === 'AlreadyExists' ? await root.get(nodes, { name: this.name }) : undefined
    if (taken && isNodeOf(taken, clusterName)) return taken
    this.#refuse(
      taken
        ? { reason: 'NodeNameTaken', detail: this.name }
        : { reason: 'NodeRefused', detail: outcome.status.message ?? outcome.reason },
    )
    return undefined
  }

  #refuse(refusal: NodeRefusal | undefined): void {
    if (isDeepStrictEqual(refusal, this.#refused)) return
    this.#refused = refusal
    this.#options.changed()
  }

  /** Labels, annotations and our taint come back if somebody takes them away; what others add stays. */
  async #keepIdentity(present: Node, manifest: ReturnType<typeof virtualNode>): Promise<void> {
    const { labels, annotations } = manifest.metadata
    const missing = (wanted: Readonly<Record<string, string>>, has: Readonly<Record<string, string>> = {}) =>
      Object.fromEntries(Object.entries(wanted).filter(([key, value]) => has[key] !== value))
    const patch = {
      labels: missing(labels, present.metadata.labels),
      annotations: missing(annotations, present.metadata.annotations),
    }
    const taints = present.spec?.taints ?? []
    const lost = (manifest.spec.taints ?? []).filter(
      ({ key, effect }) => !taints.some((taint) => taint.key === key && taint.effect === effect),
    )
    if (Object.keys({ ...patch.labels, ...patch.annotations }).length === 0 && lost.length === 0) return
    const { uid, resourceVersion } = present.metadata
    const outcome = await this.#options.root.patch(
      nodes,
      { name: this.name },
      {
        metadata: { uid, ...patch, ...(lost.length > 0 && { resourceVersion }) },
        ...(lost.length > 0 && { spec: { taints: [...taints, ...lost] } }),
      },
      { type: 'merge' },
    )
    const passing = ['Conflict', 'NotFound', 'OtherIncarnation']
    if (!outcome.ok && !passing.includes(outcome.reason)) {
      throw new Error(`node ${this.name} cannot be labelled: ${outcome.status.message}`)
    }
  }

  async #writeStatus(present: Node, members: readonly Node[]): Promise<void> {
    const { version, endpoint, root } = this.#options
    const status = virtualNodeStatus({
      name: this.name,
      version,
      leafNodes: members,
      offer: this.#capacity.offer(),
      health: healthOf(members),
      endpoint: endpoint(),
      present,
      now: Date.now(),
    })
    const written = Object.entries(status).filter(
      ([field, value]) => !isDeepStrictEqual(value, present.status?.[field as keyof typeof status]),
    )
    if (written.length === 0) return
    const patch = {
      // The conditions of others go with ours in one list, so it must be the list that was read.
      metadata: { uid: present.metadata.uid, resourceVersion: present.metadata.resourceVersion },
      status: {
        ...Object.fromEntries(written),
        capacity: replaced(present.status?.capacity, status.capacity),
        allocatable: replaced(present.status?.allocatable, status.allocatable),
      },
    }
    const outcome = await root.patch(nodes, { name: this.name }, patch, { type: 'merge', subresource: 'status' })
    // On a conflict the watch brings the newer node.
    const passing = ['Conflict', 'NotFound', 'OtherIncarnation']
    if (!outcome.ok && !passing.includes(outcome.reason)) {
      throw new Error(`status of node ${this.name} cannot be written: ${outcome.status.message}`)
    }
  }
}

/** A map for a merge patch that also removes what the new one lacks. */
function replaced(before: object = {}, after: object = {}): object {
  return { ...Object.fromEntries(Object.keys(before).map((key) => [key, null])), ...after }
}

function healthOf(members: readonly Node[]): LeafHealth {
  if (members.some(isAvailable)) return { kind: 'ready' }
  return {
    kind: 'notReady',
    reason: 'NoReadyLeafNode',
    message: 'no node of the leaf cluster is Ready and schedulable',
  }
}
