import type { ObjectKey } from '@kosmos/kube'
import type { ChangedSpec } from './plan.ts'

/** A leaf that was upgraded since gets what it dropped with the first change of the claim after that. */
const ASKED_AGAIN_MS = 3_600_000

/**
 * VolumeAttributesClasses that a leaf has dropped of its claims without a word, as an API server does that does not know them:
 * they are not asked for again at every look.
 */
export class DroppedAttributes {
  readonly #dropped = new Map<ObjectKey, { readonly uid: string; readonly wanted: string; readonly at: number }>()

  /** The leaf has dropped it of the claim of this uid. `at`: milliseconds since 1970. */
  note(claim: ObjectKey, uid: string, wanted: string, at = Date.now()): void {
    this.#dropped.set(claim, { uid, wanted, at })
  }

  /** What of a change of the leaf's claim there is to ask for; undefined: nothing. */
  worthAsking(claim: ObjectKey, uid: string, spec: ChangedSpec, now = Date.now()): ChangedSpec | undefined {
    const dropped = this.#dropped.get(claim)
    const { volumeAttributesClassName: wanted, ...rest } = spec
    const isInVain = dropped?.uid === uid && dropped.wanted === wanted && now - dropped.at < ASKED_AGAIN_MS
    if (!isInVain) return spec
    return rest.resources && rest
  }

  /** There is nothing to ask for any more. */
  forget(claim: ObjectKey): void {
    this.#dropped.delete(claim)
  }
}
