import { ApiError, type Client, isGone, type ObjectKey, type Outcome, type Pod, pods, refOf } from '@kosmos/kube'
import type { CopyPatch } from './changes.ts'
import { withTolerations } from './tolerations.ts'

export type CopyChange =
  /** `unknown`: the subresources that the leaf is too old for; the rest went through. */
  | { readonly kind: 'changed'; readonly unknown: readonly string[] }
  /** The copy is gone, or another incarnation's: the watch is about to say so. */
  | { readonly kind: 'gone' }
  /** What was left of the patches has not been sent. */
  | { readonly kind: 'refused'; readonly outcome: Extract<Outcome<Pod>, { ok: false }> }

/** Sends the patches in their order; `written` hears what each has led to. Throws on what may be otherwise the next time. */
export async function changeCopy(
  leaf: Client,
  key: ObjectKey,
  changes: readonly CopyPatch[],
  written: (copy: Pod) => void,
): Promise<CopyChange> {
  const unknown: string[] = []
  for (const { subresource, body: change, tolerations } of changes) {
    const body = tolerations ? withTolerations(change, tolerations, await leaf.get(pods, refOf(key))) : change
    if (!body) return { kind: 'gone' }
    const outcome = await patch(leaf, key, body, subresource)
    if (outcome === undefined) unknown.push(`pods/${subresource}`)
    else if (outcome.ok) written(outcome.object)
    else if (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid') return { kind: 'refused', outcome }
    else if (isGone(outcome)) return { kind: 'gone' }
    else throw new Error(`pod ${key} cannot be changed in ${leaf.name}: ${outcome.status.message}`)
  }
  return { kind: 'changed', unknown }
}

/** Undefined where the API server does not know the subresource. */
async function patch(leaf: Client, key: ObjectKey, body: object, subresource: CopyPatch['subresource']) {
  try {
    return await leaf.patch<Pod>(pods, refOf(key), body, { type: 'strategic', subresource })
  } catch (error) {
    if (subresource && error instanceof ApiError && error.code === 404) return undefined
    throw error
  }
}
