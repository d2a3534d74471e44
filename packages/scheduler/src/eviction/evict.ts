import { ApiError, type Client, isGone, type Pod } from '@kosmos/kube'

/** `gone`: it is, or another has its name. `changed`: it is not as it was when this was decided. Else why it stays. */
export type Eviction = 'gone' | 'changed' | { readonly refused: string }

/** Evicts a pod as it was seen, as far as PodDisruptionBudgets allow. */
export async function evict(root: Client, { metadata }: Pod): Promise<Eviction> {
  const { uid, resourceVersion } = metadata
  try {
    const outcome = await root.evict(metadata, { uid, resourceVersion })
    if (outcome.ok || isGone(outcome)) return 'gone'
    return outcome.reason === 'Conflict' ? 'changed' : { refused: outcome.status.message ?? outcome.reason }
  } catch (error) {
    // What a PodDisruptionBudget forbids.
    if (error instanceof ApiError && error.code === 429) return { refused: error.status.message ?? error.message }
    throw error
  }
}
