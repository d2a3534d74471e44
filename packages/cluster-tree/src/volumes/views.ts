import { clusterLabel } from '@kosmos/api'
import {
  type Informer,
  type KubeObject,
  type ObjectKey,
  type PersistentVolume,
  type PersistentVolumeClaim,
  refOf,
  type StorageClass,
} from '@kosmos/kube'
import { privateName } from '../copies/private-name.ts'
import { rootKeyOf } from './claim.ts'
import { type ClassNames, isOfOtherClass } from './class-names.ts'
import type { Placement, PlacementOptions } from './placement.ts'
import { isOf, type VolumeView } from './plan.ts'

export interface ClaimViewsOptions extends Pick<PlacementOptions, 'clusterName' | 'rootVolumes'> {
  readonly rootClusterId: string
  /** Our claims in the leaf. */
  readonly leafClaims: Informer<PersistentVolumeClaim>
  /** As the Cluster says now, of StorageClasses. */
  readonly classNames: () => ClassNames
  /** Those that the leaf has. */
  readonly leafClasses: Pick<Informer<StorageClass>, 'get' | 'hasSynced'>
  /** And of VolumeAttributesClasses. */
  readonly attributesClassNames: () => ClassNames
}

/** What is known of claims of the root in one leaf, from the watches of both. Claims are known by the root's keys. */
export class ClaimViews {
  readonly #options: ClaimViewsOptions
  readonly #placement: Pick<Placement, 'of'>

  constructor(options: ClaimViewsOptions, placement: Pick<Placement, 'of'>) {
    this.#options = options
    this.#placement = placement
  }

  of(key: ObjectKey): VolumeView {
    const { rootVolumes, attributesClassNames } = this.#options
    const claim = rootVolumes.claims.get(key)
    const leafClaim = this.#inLeaf(key)
    const volumes = [...rootVolumes.volumes.store.by('claim', key)].filter((volume) => this.isHere(volume))
    const isAskedFor = claim !== undefined && this.#placement.of(key, claim) !== undefined
    const isOfOtherClass = claim !== undefined && leafClaim !== undefined && this.#isOfOtherClass(claim, leafClaim)
    return { claim, volumes, leafClaim, isAskedFor, isOfOtherClass, attributesClassNames: attributesClassNames() }
  }

  /** Whether a volume of the root is in this leaf. */
  isHere({ metadata }: PersistentVolume): boolean {
    return metadata.labels?.[clusterLabel] === this.#options.clusterName
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

  /** Whether all that there is has been heard of: nothing may be called missing before. */
  get isComplete(): boolean {
    return this.#watched.every(({ hasSynced }) => hasSynced)
  }

  /** What the root or the leaf says when it does not let us watch. */
  get unwatchable(): string | undefined {
    for (const { hasSynced, state } of this.#watched) {
      if (!hasSynced && state.kind === 'broken') return state.error.message
    }
    return undefined
  }

  get #watched(): readonly Pick<Informer<KubeObject>, 'hasSynced' | 'state'>[] {
    return [...Object.values(this.#options.rootVolumes), this.#options.leafClaims]
  }

  #inLeaf(key: ObjectKey): PersistentVolumeClaim | undefined {
    const { leafClaims, rootClusterId } = this.#options
    const { namespace, name } = refOf(key)
    return leafClaims.get(key) ?? leafClaims.get(`${namespace}/${privateName(name, rootClusterId)}`)
  }

  #isOfOtherClass(root: PersistentVolumeClaim, leaf: PersistentVolumeClaim): boolean {
    const { classNames, leafClasses } = this.#options
    const classes = { root: root.spec?.storageClassName, leaf: leaf.spec?.storageClassName }
    // A leaf that does not let us see its classes may have any.
    const hasClass = (name: string) => !leafClasses.hasSynced || leafClasses.get(name) !== undefined
    return isOfOtherClass(classes, classNames(), hasClass)
  }
}
