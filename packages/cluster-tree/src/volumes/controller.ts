import { clusterLabel, leafVolumeFinalizer } from '@kosmos/api'
import {
  type Client,
  Controller,
  type CSIStorageCapacity,
  type Informer,
  keyOf,
  type Node,
  type ObjectKey,
  type Outcome,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type ReconcileObservation,
  type Requeue,
  refOf,
  type StorageClass,
} from '@kosmos/kube'
import type { ConfigurationRegistry } from '../configuration/registry.ts'
import { nameInRoot, privateName } from '../copies/private-name.ts'
import { CopyRefused, refuseUnlessPassing, writeCopy } from '../copies/write.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { EventSink } from '../root/events.ts'
import { type ClassNames, leafClaim } from './claim.ts'
import { dataSourceOf } from './data-source.ts'
import { claimRefused, dataSourceElsewhere, dataSourceUnsupported } from './events.ts'
import { isImmediate, nodeForImmediate, takesVolumes } from './immediate.ts'
import { isLost, isOf, planVolume, type VolumePlan, type VolumeView } from './plan.ts'
import { isOfLeaves, provisionedVolume, selectedNodeAnnotation } from './volume.ts'

/** What of the root's storage concerns leaves. */
export interface RootVolumes {
  readonly claims: Informer<PersistentVolumeClaim, 'unbound'>
  /** Those that stand for a volume in a leaf. */
  readonly volumes: Informer<PersistentVolume, 'claim'>
  readonly classes: Informer<StorageClass>
  /** How large a volume leaves could make. */
  readonly capacities: Informer<CSIStorageCapacity, 'class'>
}

export interface LeafVolumesOptions {
  readonly root: Client
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  readonly rootVolumes: RootVolumes
  /** Our claims in the leaf. */
  readonly leafClaims: Informer<PersistentVolumeClaim>
  /** Virtual nodes of all leaves. */
  readonly virtualNodes: Pick<Informer<Node>, 'get' | 'store' | 'subscribe' | 'synced'>
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Which pods of this leaf need which claims, by the claims' keys. */
  readonly registry: ConfigurationRegistry
  /** The virtual node of a pod of this leaf. */
  readonly nodeOf: (pod: ObjectKey) => string | undefined
  /** As the Cluster says now. */
  readonly classNames: () => ClassNames
  readonly events: EventSink
  readonly wake: (pod: ObjectKey) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

export type ClaimState =
  /** The leaf has it; whether it is bound there is the leaf's scheduler's business. */
  | 'current'
  /** On its way. */
  | 'pending'
  | 'missing'
  /** Bound to a volume that is not in this leaf. */
  | 'elsewhere'
  /** The leaf had it, and its claim is gone there. */
  | 'lost'
  | 'refused'

/** Makes the volumes of one leaf for claims of the root: the root is told where they are, the leaf makes them. */
export class LeafVolumes {
  readonly controller: Controller<ObjectKey>
  readonly #options: LeafVolumesOptions
  readonly #refusals = new Map<ObjectKey, string>()

  constructor(options: LeafVolumesOptions) {
    this.#options = options
    const { claims, volumes, classes, capacities } = options.rootVolumes
    this.controller = new Controller({
      name: 'volumes',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.controller.watch(classes, ({ object }) => this.#unbound(object))
    this.controller.watch(capacities, ({ object }) => this.#unbound(classes.get(object.storageClassName)))
    // Claims of Immediate classes wait for a leaf that takes volumes.
    this.controller.watch(options.virtualNodes, (change) => {
      const before = change.type === 'updated' && takesVolumes(change.old)
      const isNew = change.type !== 'deleted' && takesVolumes(change.object) && !before
      return isNew ? [...classes.store.values()].flatMap((storageClass) => this.#unbound(storageClass)) : []
    })
    this.controller.watch(claims, ({ key }) => [key])
    this.controller.watch(volumes, ({ object }) => {
      const { claimRef } = object.spec ?? {}
      return this.#isHere(object) && claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : []
    })
    this.controller.watch(options.leafClaims, ({ object }) => [rootKeyOf(object)])
  }

  /** Claims that no pod has to wait for before they get a volume. */
  #unbound(storageClass: StorageClass | undefined): ObjectKey[] {
    if (!storageClass || !isOfLeaves(storageClass) || !isImmediate(storageClass)) return []
    return [...this.#options.rootVolumes.claims.store.by('unbound', storageClass.metadata.name)].map(keyOf)
  }

  /** Says that the need for a claim has changed. */
  enqueue(claim: ObjectKey): void {
    this.controller.enqueue(claim)
  }

  stateOf(key: ObjectKey): ClaimState {
    // Nothing may be called missing before everything has been heard of; a reconcile follows then.
    if (this.#unwatchable !== undefined) return 'refused'
    if (!this.#watched.every(({ hasSynced }) => hasSynced)) return 'pending'
    const { claim, volumes, leafClaim } = this.#view(key)
    if (!claim) return 'missing'
    const { volumeName } = claim.spec ?? {}
    if (volumeName && !volumes.some(({ metadata }) => metadata.name === volumeName)) return 'elsewhere'
    if (leafClaim && isOf(leafClaim, claim.metadata.uid)) return 'current'
    if (!leafClaim && volumes.some((volume) => volume.metadata.name === volumeName && isLost(volume))) return 'lost'
    return this.#refusals.has(key) ? 'refused' : 'pending'
  }

  /** What the leaf said when it refused the claim. */
  refusalOf(key: ObjectKey): string | undefined {
    return this.#unwatchable ?? this.#refusals.get(key)
  }

  /** What the leaf calls the claim: as the root does, unless the leaf has another of that name. */
  nameOf(key: ObjectKey): string {
    return this.#inLeaf(key)?.metadata.name ?? refOf(key).name
  }

  /** The claim of the root that one of ours in the leaf is for. */
  rootClaimOf(leafClaim: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
    const claim = this.#options.rootVolumes.claims.get(rootKeyOf(leafClaim))
    return claim && isOf(leafClaim, claim.metadata.uid) ? claim : undefined
  }

  #inLeaf(key: ObjectKey): PersistentVolumeClaim | undefined {
    const { leafClaims, rootClusterId } = this.#options
    const { namespace, name } = refOf(key)
    return leafClaims.get(key) ?? leafClaims.get(`${namespace}/${privateName(name, rootClusterId)}`)
  }

  get #watched(): readonly Pick<Informer<PersistentVolumeClaim>, 'hasSynced' | 'state'>[] {
    const { claims, volumes, classes } = this.#options.rootVolumes
    return [claims, volumes, classes, this.#options.leafClaims]
  }

  /** What the root or the leaf says when it does not let us watch. */
  get #unwatchable(): string | undefined {
    for (const { hasSynced, state } of this.#watched) {
      if (!hasSynced && state.kind === 'broken') return state.error.message
    }
    return undefined
  }

  #isHere({ metadata }: PersistentVolume): boolean {
    return metadata.labels?.[clusterLabel] === this.#options.clusterName
  }

  #view(key: ObjectKey): VolumeView {
    const { rootVolumes } = this.#options
    const claim = rootVolumes.claims.get(key)
    const volumes = [...rootVolumes.volumes.store.by('claim', key)].filter((volume) => this.#isHere(volume))
    const isAskedFor =
      claim !== undefined && this.#classOf(claim) !== undefined && this.#nodeFor(key, claim) !== undefined
    return { claim, volumes, leafClaim: this.#inLeaf(key), isAskedFor }
  }

  #classOf({ spec }: PersistentVolumeClaim): StorageClass | undefined {
    const found = this.#options.rootVolumes.classes.get(spec?.storageClassName ?? '')
    return isOfLeaves(found) ? found : undefined
  }

  /**
   * The virtual node of this leaf that the volume is for: that of the first pod that needs the claim, as the scheduler says or as
   * the pod was bound without it; for a class that does not wait for one, any.
   */
  #nodeFor(key: ObjectKey, claim: PersistentVolumeClaim): Node | undefined {
    const storageClass = this.#classOf(claim)
    const { rootVolumes, virtualNodes, clusterName } = this.#options
    const node =
      storageClass && isImmediate(storageClass)
        ? nodeForImmediate(claim, storageClass, {
            virtualNodes: virtualNodes.store.values(),
            capacities: [...rootVolumes.capacities.store.by('class', storageClass.metadata.name)],
          })
        : this.#nodeOfFirstPod(key, claim)
    return node?.metadata.labels?.[clusterLabel] === clusterName ? node : undefined
  }

  #nodeOfFirstPod(key: ObjectKey, { metadata }: PersistentVolumeClaim): Node | undefined {
    const { registry, nodeOf, virtualNodes } = this.#options
    const selected = metadata.annotations?.[selectedNodeAnnotation]
    const [pod] = registry.dependentsOf(key)
    return virtualNodes.get(selected ?? (pod && nodeOf(pod)) ?? '')
  }

  #wakeDependents(key: ObjectKey): void {
    for (const pod of this.#options.registry.dependentsOf(key)) this.#options.wake(pod)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const view = this.#view(key)
    try {
      const requeue = await this.#step(key, planVolume(view), view)
      this.#refusals.delete(key)
      this.#wakeDependents(key)
      return requeue
    } catch (error) {
      if (error instanceof CopyRefused && this.#refusals.get(key) !== error.message) {
        this.#refusals.set(key, error.message)
        if (view.claim) this.#options.events.record(view.claim, claimRefused(this.#options.clusterName, error.message))
        this.#wakeDependents(key)
      }
      throw error
    }
  }

  async #step(key: ObjectKey, plan: VolumePlan, { claim }: VolumeView): Promise<Requeue> {
    const { root, leaf } = this.#options
    const ref = { ...refOf(key), name: this.nameOf(key) }
    switch (plan.kind) {
      case 'none':
        return
      case 'provision':
        return await this.#provision(key, claim)
      case 'createLeafClaim':
        return await this.#createLeafClaim(key, claim)
      case 'changeLeafClaim':
        refuseUnlessPassing(await leaf.patch(persistentVolumeClaims, ref, { spec: plan.spec }, { type: 'merge' }))
        return
      case 'deleteLeafClaim':
        refuseUnlessPassing(await leaf.delete(persistentVolumeClaims, ref, { uid: plan.uid }))
        return
      case 'deleteVolume':
        throwUnlessPassing(await root.delete(persistentVolumes, { name: plan.name }, { uid: plan.uid }), plan.name)
        return
      case 'releaseVolume': {
        const { name, uid, resourceVersion, finalizers = [] } = plan.volume.metadata
        const others = finalizers.filter((finalizer) => finalizer !== leafVolumeFinalizer)
        if (others.length === finalizers.length) return
        const patch = { metadata: { uid, resourceVersion, finalizers: others } }
        throwUnlessPassing(await root.patch(persistentVolumes, { name }, patch, { type: 'merge' }), name)
        return
      }
      case 'reflectVolume': {
        const { name, uid } = plan.volume.metadata
        const { annotations, storage } = plan
        const patch = { metadata: { uid, annotations }, spec: { capacity: { storage } } }
        throwUnlessPassing(await root.patch(persistentVolumes, { name }, patch, { type: 'merge' }), name)
        return
      }
      case 'reflectClaim': {
        const { uid, resourceVersion } = plan.claim.metadata
        const patch = { metadata: { uid, resourceVersion }, status: plan.status }
        const outcome = await root.patch(persistentVolumeClaims, refOf(key), patch, {
          type: 'merge',
          subresource: 'status',
        })
        throwUnlessPassing(outcome, `of claim ${key}`)
        return
      }
    }
  }

  async #provision(key: ObjectKey, claim: PersistentVolumeClaim | undefined): Promise<Requeue> {
    const storageClass = claim && this.#classOf(claim)
    const node = claim && this.#nodeFor(key, claim)
    if (!claim || !storageClass || !node) return
    const { root, events, clusterName } = this.#options
    const source = dataSourceOf(claim)
    if (source.kind === 'unsupported') {
      events.record(claim, dataSourceUnsupported)
      return
    }
    if (source.kind === 'claim' && this.stateOf(`${claim.metadata.namespace}/${source.name}`) !== 'current') {
      events.record(claim, dataSourceElsewhere(source.name, clusterName))
      return
    }
    const outcome = await root.create(persistentVolumes, provisionedVolume(claim, storageClass, node))
    // It is there already: the watch is about to say so.
    if (!outcome.ok && outcome.reason !== 'AlreadyExists') throwUnlessPassing(outcome, `of claim ${key}`)
    return
  }

  async #createLeafClaim(key: ObjectKey, claim: PersistentVolumeClaim | undefined): Promise<Requeue> {
    if (!claim) return
    const { leaf, rootClusterId, namespaces } = this.#options
    const { namespace, name } = refOf(key)
    const source = dataSourceOf(claim)
    const cloneOf = source.kind === 'claim' ? this.nameOf(`${namespace}/${source.name}`) : undefined
    const parts = { root: claim, rootClusterId, classNames: this.#options.classNames(), cloneOf }
    const taken: string[] = []
    for (const nameInLeaf of [name, privateName(name, rootClusterId)]) {
      const written = await writeCopy(
        { kind: 'create' },
        {
          leaf,
          resource: persistentVolumeClaims,
          ref: { ...(namespace && { namespace }), name: nameInLeaf },
          rootClusterId,
          namespaces,
          copy: async () => leafClaim({ ...parts, name: nameInLeaf }),
        },
      )
      if (written === 'written') return
      if (written !== 'foreign') return written
      taken.push(nameInLeaf)
    }
    throw new CopyRefused(`${taken.join(' and ')} are there and not of this root`)
  }
}

/** What another change has caused, the watch follows up. */
function throwUnlessPassing(outcome: Outcome<unknown>, volume: string): void {
  if (outcome.ok || (outcome.reason !== 'Forbidden' && outcome.reason !== 'Invalid')) return
  throw new Error(`the root does not take the volume ${volume}: ${outcome.status.message}`)
}

function rootKeyOf(leafClaim: PersistentVolumeClaim): ObjectKey {
  return `${leafClaim.metadata.namespace}/${nameInRoot(leafClaim)}`
}
