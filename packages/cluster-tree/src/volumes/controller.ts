import { leafVolumeFinalizer } from '@kosmos/api'
import {
  type Client,
  Controller,
  keyOf,
  type ObjectKey,
  type ObjectRef,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type ReconcileObservation,
  type Requeue,
  refOf,
} from '@kosmos/kube'
import { answerOf } from '../copies/refused.ts'
import { refuseUnlessPassing, writeCopyAs } from '../copies/write.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { EventSink } from '../root/events.ts'
import { throwUnlessPassing } from '../root/passing.ts'
import { leafClaim, rootKeyOf } from './claim.ts'
import { type ClaimState, claimStateOf } from './claim-state.ts'
import { dataSourceOf } from './data-source.ts'
import { DroppedAttributes } from './dropped-attributes.ts'
import { attributesClassUnknown, dataSourceElsewhere, dataSourceUnsupported } from './events.ts'
import { Placement, type PlacementOptions } from './placement.ts'
import { planVolume, type VolumePlan, type VolumeView } from './plan.ts'
import { ClaimRefusals } from './refusals.ts'
import type { SharedVolumes } from './shared/controller.ts'
import { hasClaim } from './unheard-claim.ts'
import { ClaimViews, type ClaimViewsOptions } from './views.ts'
import { provisionedVolume } from './volume.ts'
import { saidElsewhere, whereaboutsOf } from './whereabouts.ts'

export interface LeafVolumesOptions extends ClaimViewsOptions, PlacementOptions {
  readonly root: Client
  readonly leaf: Client
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Volumes of the root that this leaf reaches as well. */
  readonly shared: Pick<SharedVolumes, 'stateOf' | 'refusalOf' | 'enqueue'>
  readonly events: EventSink
  readonly wake: (pod: ObjectKey) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Until the watch has told of a claim that the leaf has. */
const UNHEARD_MS = 1_000

/** Makes the volumes of one leaf for claims of the root: the root is told where they are, the leaf makes them. */
export class LeafVolumes {
  readonly controller: Controller<ObjectKey>
  readonly #options: LeafVolumesOptions
  readonly #placement: Placement
  readonly #views: ClaimViews
  readonly #refusals: ClaimRefusals
  readonly #dropped = new DroppedAttributes()

  constructor(options: LeafVolumesOptions) {
    this.#options = options
    this.#refusals = new ClaimRefusals(options)
    const { claims, volumes } = options.rootVolumes
    this.controller = new Controller({
      name: 'volumes',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.#placement = new Placement(options)
    this.#views = new ClaimViews(options, this.#placement)
    this.#placement.watch(this.controller)
    const withClones = (key: ObjectKey) => [key, ...[...claims.store.by('cloneOf', key)].map(keyOf)]
    this.controller.watch(claims, ({ key }) => withClones(key))
    this.controller.watch(volumes, ({ object }) => {
      const { claimRef } = object.spec ?? {}
      return this.#views.isHere(object) && claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : []
    })
    this.controller.watch(options.leafClaims, ({ object }) => withClones(rootKeyOf(object)))
  }

  /** Says that the need for a claim has changed. */
  enqueue(claim: ObjectKey): void {
    this.controller.enqueue(claim)
    this.#options.shared.enqueue(claim)
  }

  /** Takes up that the Cluster calls StorageClasses otherwise now. */
  classesRenamed(): void {
    for (const claim of this.#options.leafClaims.store.values()) {
      if (!claim.spec?.volumeName) this.controller.enqueue(rootKeyOf(claim))
    }
  }

  /** Takes up that the Cluster calls VolumeAttributesClasses otherwise now. */
  attributesClassesRenamed(): void {
    for (const claim of this.#options.leafClaims.store.values()) {
      if (claim.spec?.volumeAttributesClassName) this.controller.enqueue(rootKeyOf(claim))
    }
  }

  stateOf(key: ObjectKey): ClaimState {
    if (this.#views.unwatchable !== undefined) return 'refused'
    // A reconcile follows when it is.
    if (!this.#views.isComplete) return 'pending'
    const view = this.#views.of(key)
    const shared = view.claim && this.#options.shared.stateOf(key)
    return shared ?? claimStateOf(view, this.#refusals.get(key) !== undefined)
  }

  /** What there is to say of a claim whose volume is elsewhere. */
  whereabouts(key: ObjectKey): string | undefined {
    const { rootVolumes, clusterName } = this.#options
    const claim = rootVolumes.claims.get(key)
    return claim && saidElsewhere(claim, whereaboutsOf(claim, rootVolumes.volumes.store.by('claim', key)), clusterName)
  }

  /** What the leaf said when it refused the claim. */
  refusalOf(key: ObjectKey): string | undefined {
    return this.#views.unwatchable ?? this.#refusals.get(key) ?? this.#options.shared.refusalOf(key)
  }

  /** What the leaf calls the claim. */
  nameOf(key: ObjectKey): string {
    return this.#views.nameOf(key)
  }

  /** The claim of the root that one of ours in the leaf is for. */
  rootClaimOf(leafClaim: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
    return this.#views.rootClaimOf(leafClaim)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const view = this.#views.of(key)
    return await this.#refusals.around(key, view.claim, () => this.#step(key, planVolume(view), view))
  }

  async #step(key: ObjectKey, plan: VolumePlan, { claim }: VolumeView): Promise<Requeue> {
    const { root, leaf, rootClusterId } = this.#options
    const ref = { ...refOf(key), name: this.nameOf(key) }
    switch (plan.kind) {
      case 'none':
        this.#dropped.forget(key)
        return
      case 'provision':
        return await this.#provision(key, claim)
      case 'createLeafClaim':
        return await this.#createLeafClaim(key, claim)
      case 'changeLeafClaim':
        await this.#change(key, claim, ref, plan)
        return
      case 'deleteLeafClaim': {
        const { uid, resourceVersion } = plan
        const seen = { uid, ...(resourceVersion !== undefined && { resourceVersion }) }
        refuseUnlessPassing(await answerOf(leaf.delete(persistentVolumeClaims, ref, seen), false))
        return
      }
      case 'deleteVolume':
        throwUnlessPassing(
          await root.delete(persistentVolumes, { name: plan.name }, { uid: plan.uid }),
          `the volume ${plan.name}`,
        )
        return
      case 'releaseVolume': {
        const { name, uid, resourceVersion, finalizers = [] } = plan.volume.metadata
        const { persistentVolumeReclaimPolicy, claimRef } = plan.volume.spec ?? {}
        // The volume is the last that knows of a claim in the leaf, which with Retain is to stay.
        const parts = { uid: claimRef?.uid, rootClusterId }
        if (persistentVolumeReclaimPolicy !== 'Retain' && (await hasClaim(leaf, key, parts)))
          return { afterMs: UNHEARD_MS }
        const others = finalizers.filter((finalizer) => finalizer !== leafVolumeFinalizer)
        if (others.length === finalizers.length) return
        const patch = { metadata: { uid, resourceVersion, finalizers: others } }
        throwUnlessPassing(
          await root.patch(persistentVolumes, { name }, patch, { type: 'merge' }),
          `the volume ${name}`,
        )
        return
      }
      case 'reflectVolume': {
        const { name, uid } = plan.volume.metadata
        const { annotations, spec } = plan
        const patch = { metadata: { uid, annotations }, spec }
        throwUnlessPassing(
          await root.patch(persistentVolumes, { name }, patch, { type: 'merge' }),
          `the volume ${name}`,
        )
        return
      }
      case 'reflectClaim': {
        const { uid, resourceVersion } = plan.claim.metadata
        const patch = { metadata: { uid, resourceVersion }, status: plan.status }
        const outcome = await root.patch(persistentVolumeClaims, refOf(key), patch, {
          type: 'merge',
          subresource: 'status',
        })
        throwUnlessPassing(outcome, `the volume of claim ${key}`)
        return
      }
    }
  }

  async #provision(key: ObjectKey, claim: PersistentVolumeClaim | undefined): Promise<Requeue> {
    const place = claim && this.#placement.of(key, claim)
    if (!claim || !place) return
    const { root, events, clusterName } = this.#options
    const source = dataSourceOf(claim)
    if (source.kind === 'unsupported') {
      events.record(claim, dataSourceUnsupported)
      return
    }
    const sourceKey = source.kind === 'claim' && `${claim.metadata.namespace}/${source.name}`
    const state = sourceKey ? this.stateOf(sourceKey) : 'current'
    if (sourceKey && state !== 'current') {
      const { claims, volumes } = this.#options.rootVolumes
      const found = whereaboutsOf(claims.get(sourceKey), volumes.store.by('claim', sourceKey))
      // On its way here it wakes the claim when it has come.
      const isComing = state === 'pending' && found.kind === 'leaf' && found.cluster === clusterName
      if (!isComing) events.record(claim, dataSourceElsewhere(refOf(sourceKey).name, found, clusterName))
      return
    }
    const outcome = await root.create(persistentVolumes, provisionedVolume(claim, place.storageClass, place.node))
    // It is there already: the watch is about to say so.
    if (!outcome.ok && outcome.reason !== 'AlreadyExists') throwUnlessPassing(outcome, `the volume of claim ${key}`)
    return
  }

  async #change(
    key: ObjectKey,
    claim: PersistentVolumeClaim | undefined,
    ref: ObjectRef,
    plan: Extract<VolumePlan, { kind: 'changeLeafClaim' }>,
  ): Promise<void> {
    const { leaf, events, clusterName } = this.#options
    const { uid } = plan
    const spec = this.#dropped.worthAsking(key, uid, plan.spec)
    if (!spec) return
    const patch = { metadata: { uid }, spec }
    const outcome = await answerOf(leaf.patch(persistentVolumeClaims, ref, patch, { type: 'merge' }), false)
    refuseUnlessPassing(outcome)
    const { volumeAttributesClassName: wanted } = spec
    if (!wanted || !outcome.ok || outcome.object.spec?.volumeAttributesClassName === wanted) return
    this.#dropped.note(key, uid, wanted)
    if (claim) events.record(claim, attributesClassUnknown(clusterName))
  }

  async #createLeafClaim(key: ObjectKey, claim: PersistentVolumeClaim | undefined): Promise<Requeue> {
    if (!claim) return
    const { leaf, rootClusterId, namespaces, classNames, attributesClassNames } = this.#options
    const { namespace, name } = refOf(key)
    const source = dataSourceOf(claim)
    const cloneOf = source.kind === 'claim' ? this.nameOf(`${namespace}/${source.name}`) : undefined
    const classes = { classNames: classNames(), attributesClassNames: attributesClassNames() }
    const parts = { root: claim, rootClusterId, ...classes, cloneOf }
    const written = await writeCopyAs({ kind: 'create' }, name, (name) => ({
      leaf,
      resource: persistentVolumeClaims,
      ref: { ...(namespace && { namespace }), name },
      rootClusterId,
      namespaces,
      copy: async () => leafClaim({ ...parts, name }),
    }))
    return typeof written === 'object' ? written : undefined
  }
}
