import { rootClusterLabel } from '@kosmos/api'
import {
  type Client,
  Controller,
  type Informer,
  type ObjectKey,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type ReconcileObservation,
  type Requeue,
  refOf,
} from '@kosmos/kube'
import type { ConfigurationRegistry } from '../../configuration/registry.ts'
import { nameInRoot, privateName } from '../../copies/private-name.ts'
import { answerOf, CopyRefused } from '../../copies/refused.ts'
import { deleteUnlessRefused, writeCopyAs } from '../../copies/write.ts'
import type { LeafNamespaces } from '../../namespaces/controller.ts'
import type { EventSink } from '../../root/events.ts'
import type { RootVolumes } from '../placement.ts'
import { isOf } from '../plan.ts'
import { ClaimRefusals } from '../refusals.ts'
import { planShared, type SharedView } from './plan.ts'
import { isSharedClaim, sharedClaim, sharedVolume, sharedVolumeName, withheldFrom } from './volume.ts'

export interface SharedVolumesOptions {
  readonly root: Client
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  readonly rootClaims: RootVolumes['claims']
  /** Our claims in the leaf. */
  readonly leafClaims: Informer<PersistentVolumeClaim>
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Which pods of this leaf need which claims. */
  readonly registry: ConfigurationRegistry
  /** Resolves when the registry knows every pod: a claim whose pods are not known yet would be removed. */
  readonly registered: Promise<void>
  /** Whether claims that no root pod needs are to be kept in a namespace. */
  readonly heldBack: (namespace: string) => boolean
  /** Names of the root's classes whose volumes the leaf reaches, as the Cluster says now. */
  readonly shared: () => readonly string[]
  readonly events: EventSink
  readonly wake: (pod: ObjectKey) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Between looks at what is about to go. */
const SOON_MS = 1_000
const HELD_BACK_MS = 60_000

/** Has the leaf mount volumes that were made in the root, for as long as its pods need them. By claim. */
export class SharedVolumes {
  readonly controller: Controller<ObjectKey>
  readonly #options: SharedVolumesOptions
  readonly #refusals: ClaimRefusals

  constructor(options: SharedVolumesOptions) {
    this.#options = options
    this.#refusals = new ClaimRefusals(options)
    this.controller = new Controller({
      name: 'shared-volumes',
      concurrency: 4,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.registered)
    this.controller.watch(options.rootClaims, ({ key, object }) =>
      this.#isShared(object) || this.#inLeaf(key) ? [key] : [],
    )
    this.controller.watch(options.leafClaims, ({ object }) =>
      isSharedClaim(object) ? [`${object.metadata.namespace}/${nameInRoot(object)}`] : [],
    )
  }

  /** Says that the need for a claim has changed. */
  enqueue(claim: ObjectKey): void {
    this.controller.enqueue(claim)
  }

  /** Looks at every claim that is needed again: after the Cluster shares other classes. */
  resume(): void {
    for (const key of this.#options.registry.keys()) {
      this.controller.enqueue(key)
      this.#refusals.wakeDependents(key)
    }
  }

  /** Undefined: the claim has no volume that this leaf shares. */
  stateOf(key: ObjectKey): 'current' | 'pending' | 'refused' | undefined {
    const { claim, leafClaim, isShared } = this.#view(key)
    if (!claim || (!leafClaim && (!isShared || claim.status?.phase !== 'Bound'))) return undefined
    const isCurrent =
      leafClaim?.status?.phase === 'Bound' &&
      leafClaim.metadata.deletionTimestamp === undefined &&
      isOf(leafClaim, claim.metadata.uid)
    if (isCurrent) return 'current'
    return this.#refusals.get(key) === undefined ? 'pending' : 'refused'
  }

  /** Why the leaf does not have it. */
  refusalOf(key: ObjectKey): string | undefined {
    return this.#refusals.get(key)
  }

  /** How many the leaf has. */
  get left(): number {
    return [...this.#options.leafClaims.store.values()].filter(isSharedClaim).length
  }

  #isShared({ spec }: PersistentVolumeClaim): boolean {
    return this.#options.shared().includes(spec?.storageClassName ?? '')
  }

  #inLeaf(key: ObjectKey): PersistentVolumeClaim | undefined {
    const { leafClaims, rootClusterId } = this.#options
    const { namespace, name } = refOf(key)
    const found = leafClaims.get(key) ?? leafClaims.get(`${namespace}/${privateName(name, rootClusterId)}`)
    return found && isSharedClaim(found) ? found : undefined
  }

  #view(key: ObjectKey): SharedView {
    const claim = this.#options.rootClaims.get(key)
    return {
      claim,
      leafClaim: this.#inLeaf(key),
      isNeeded: this.#options.registry.isNeeded(key),
      isShared: claim !== undefined && this.#isShared(claim),
    }
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const view = this.#view(key)
    return await this.#refusals.around(key, view.claim, () => this.#step(key, view))
  }

  async #step(key: ObjectKey, view: SharedView): Promise<Requeue> {
    const { leaf, rootClusterId, namespaces, heldBack } = this.#options
    const { namespace = '', name } = refOf(key)
    const plan = planShared(view)
    switch (plan.kind) {
      case 'none':
        return
      case 'createLeafClaim': {
        const written = await writeCopyAs({ kind: 'create' }, name, (name) => ({
          leaf,
          resource: persistentVolumeClaims,
          ref: { namespace, name },
          rootClusterId,
          namespaces,
          copy: async () => sharedClaim(plan.claim, rootClusterId, name),
        }))
        return typeof written === 'object' ? written : undefined
      }
      case 'createLeafVolume':
        return await this.#createLeafVolume(plan.claim, plan.leafClaim)
      case 'remove':
        return heldBack(namespace) ? { afterMs: HELD_BACK_MS } : await this.#remove(plan.leafClaim)
    }
  }

  async #createLeafVolume(claim: PersistentVolumeClaim, leafClaim: PersistentVolumeClaim): Promise<Requeue> {
    const { root, leaf, rootClusterId } = this.#options
    const volume = await root.get(persistentVolumes, { name: claim.spec?.volumeName ?? '' })
    const withheld = withheldFrom(claim, volume)
    if (withheld !== undefined || !volume) throw new CopyRefused(withheld)
    const copy = sharedVolume(volume, { leafClaim, rootClusterId })
    const outcome = await answerOf(leaf.create(persistentVolumes, copy), false)
    if (outcome.ok) return
    if (outcome.reason !== 'AlreadyExists') throw CopyRefused.of(outcome)
    // For this claim, or for one before it, whose end it waits for.
    const present = await this.#leafVolume(sharedVolumeName(claim.metadata.uid))
    if (present && present.spec?.claimRef?.uid !== leafClaim.metadata.uid)
      await deleteUnlessRefused(leaf, persistentVolumes, { name: present.metadata.name }, present.metadata.uid)
    return { afterMs: SOON_MS }
  }

  /** The volume stays until its claim has gone, and that until its pods have (pv-protection, pvc-protection). */
  async #remove({ metadata, spec }: PersistentVolumeClaim): Promise<Requeue> {
    const { leaf } = this.#options
    const { name, namespace = '', uid } = metadata
    const volume = await this.#leafVolume(spec?.volumeName ?? '')
    if (volume) await deleteUnlessRefused(leaf, persistentVolumes, { name: volume.metadata.name }, volume.metadata.uid)
    await deleteUnlessRefused(leaf, persistentVolumeClaims, { namespace, name }, uid)
    return
  }

  /** The leaf's volume of that name; one that is not ours is none. */
  async #leafVolume(name: string) {
    const { leaf, rootClusterId } = this.#options
    const volume = await answerOf(leaf.get(persistentVolumes, { name }), false)
    return volume?.metadata.labels?.[rootClusterLabel] === rootClusterId ? volume : undefined
  }
}
