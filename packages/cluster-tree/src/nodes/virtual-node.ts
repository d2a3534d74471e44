import { isDeepStrictEqual } from 'node:util'
import { type ClusterConditionReason, retiringTaint, type VirtualNodeModel } from '@kosmos/api'
import { type Client, type Informer, isOvertaken, type Node, nodes } from '@kosmos/kube'
import type { KubeletEndpoint } from '../kubelet/kubelets.ts'
import type { Offer } from './capacity.ts'
import { alsoTainted, type Identity, identityPatch, withTaint } from './carried-identity.ts'
import type { FreeRoom } from './free-shapes.ts'
import { healthOf, pressuresOf } from './health.ts'
import { createNodeLease, renewNodeLease } from './lease.ts'
import { isNodeOf } from './ownership.ts'
import { type NodeTaint, virtualNode, virtualNodeStatus } from './template.ts'
import type { WatchedNode } from './watched-node.ts'

export interface VirtualNodeOptions {
  readonly name: string
  readonly clusterName: string
  /** uid of the leaf's kube-system namespace. */
  readonly leafId: string
  /** gitVersion of the leaf. */
  readonly version: string
  readonly root: Client
  readonly rootNodes: Pick<Informer<WatchedNode>, 'get'>
  readonly endpoint: () => KubeletEndpoint | undefined
}

/** What a virtual node stands for at a moment. */
export interface NodeFacts {
  readonly model: VirtualNodeModel
  /** The leaf nodes that it stands for. */
  readonly members: readonly Node[]
  readonly offer: Offer
  readonly room: FreeRoom
  readonly empty: FreeRoom['shapes']
  readonly taint: NodeTaint
  /** Which nodes are filled first. */
  readonly priority: number
}

/** Why a node cannot be made. */
export interface NodeRefusal {
  readonly reason: ClusterConditionReason<'VirtualNodesReady'>
  readonly detail: string
}

/** One node of the root that stands for a leaf or a part of it. Of its status, others may write conditions, and resources of their own. */
export class VirtualNode {
  readonly name: string
  readonly #options: VirtualNodeOptions
  /** Fields that the root does not know: it is older. */
  readonly #unknownFields = new Set<string>()

  constructor(options: VirtualNodeOptions) {
    this.name = options.name
    this.#options = options
  }

  /** The node, if it is there and ours. */
  get present(): WatchedNode | undefined {
    const node = this.#options.rootNodes.get(this.name)
    return node && isNodeOf(node, this.#options.clusterName) ? node : undefined
  }

  /** The node, if it is there and ours, also when the watch has not shown it yet. */
  async read(): Promise<Node | undefined> {
    if (this.present) return this.present
    const node = await this.#options.root.get(nodes, { name: this.name })
    return node && isNodeOf(node, this.#options.clusterName) ? node : undefined
  }

  /** Says that the node lives. */
  async renewLease(): Promise<void> {
    const node = this.present
    if (node) await renewNodeLease(this.#options.root, node)
  }

  /** Takes no new pods from now on, until {@link bringAbout} undoes it, also after a restart. */
  async closeToNewPods(): Promise<void> {
    const node = await this.read()
    if (node) await this.#keepIdentity(node, withTaint(node, retiringTaint))
  }

  async remove(): Promise<void> {
    const node = this.present
    if (node) await this.#options.root.delete(nodes, { name: this.name }, { uid: node.metadata.uid })
  }

  /**
   * Makes the node what its model and its leaf nodes say. Returns why that is not possible.
   * @param isLeaving it takes no new pods, and is not made anew
   */
  async bringAbout(facts: NodeFacts, isLeaving: boolean): Promise<NodeRefusal | undefined> {
    const manifest = virtualNode(facts.model, this.#options, facts)
    let node = this.present
    if (!node) {
      if (isLeaving) return undefined
      // With its status, as a kubelet registers: a status of its own would meet what others write on a new node.
      const created = await this.#create({ ...manifest, status: this.#statusOf(facts, undefined) })
      if ('reason' in created) return created
      node = created
    }
    await this.#keepIdentity(node, isLeaving ? alsoTainted(manifest, retiringTaint) : manifest)
    await this.#writeStatus(node, facts)
    return undefined
  }

  async #create(manifest: object): Promise<Node | NodeRefusal> {
    const { root, clusterName } = this.#options
    const outcome = await root.create(nodes, manifest)
    if (outcome.ok) {
      // A new node is Ready only with its Lease: without one it would be judged by its status alone.
      await createNodeLease(root, outcome.object)
      return outcome.object
    }
    const taken = outcome.reason === 'AlreadyExists' ? await root.get(nodes, { name: this.name }) : undefined
    if (taken && isNodeOf(taken, clusterName)) return taken
    return taken
      ? { reason: 'NodeNameTaken', detail: this.name }
      : { reason: 'NodeRefused', detail: `${this.name}: ${outcome.status.message ?? outcome.reason}` }
  }

  /** Labels, annotations and taints of ours come back if somebody takes them away; what others add stays. */
  async #keepIdentity(present: Node, wanted: Identity): Promise<void> {
    const patch = identityPatch(present, wanted)
    if (patch) await this.#patch(patch, `node ${this.name} cannot be labelled`)
  }

  #statusOf({ model, members, offer }: NodeFacts, present: WatchedNode | undefined) {
    const { version, endpoint } = this.#options
    return virtualNodeStatus({
      model,
      version,
      members,
      offer,
      health: healthOf(members),
      pressures: pressuresOf(members),
      endpoint: endpoint(),
      present,
      now: Date.now(),
    })
  }

  async #writeStatus(present: WatchedNode, facts: NodeFacts): Promise<void> {
    const status = this.#statusOf(facts, present)
    const written = Object.entries(status).filter(
      ([field, value]) =>
        !this.#unknownFields.has(field) && !isDeepStrictEqual(value, present.status?.[field as keyof typeof status]),
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
    const node = await this.#patch(patch, `status of node ${this.name} cannot be written`, { subresource: 'status' })
    if (node && status.declaredFeatures?.length && !node.status?.declaredFeatures) {
      this.#unknownFields.add('declaredFeatures')
    }
  }

  /** Resolves with the node as it is then; undefined when it has changed meanwhile. Throws what nothing newer would mend. */
  async #patch(patch: object, failure: string, part: { subresource?: 'status' } = {}): Promise<Node | undefined> {
    const outcome = await this.#options.root.patch(nodes, { name: this.name }, patch, { type: 'merge', ...part })
    if (outcome.ok) return outcome.object
    // The watch brings what is newer.
    if (isOvertaken(outcome)) return undefined
    throw new Error(`${failure}: ${outcome.status.message}`)
  }
}

/** A map for a merge patch that also removes what the new one lacks. */
function replaced(before: object = {}, after: object = {}): object {
  return { ...Object.fromEntries(Object.keys(before).map((key) => [key, null])), ...after }
}
