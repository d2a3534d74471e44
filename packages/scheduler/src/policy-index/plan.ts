import { isDeepStrictEqual } from 'node:util'
import { indexedLabel } from '@kosmos/api'
import type { IndexEntry, Indexed, IndexedKind } from './kinds.ts'

export interface IndexView<P extends Indexed, E extends IndexEntry> {
  readonly kind: Pick<IndexedKind<P, E>, 'entriesOf' | 'policyOf'>
  /** All that the index is for. */
  readonly policies: readonly P[]
  /** What the index says; undefined: there is none. */
  readonly entries: readonly E[] | undefined
  /** Whether a policy says the same for long enough that every API server knows it. */
  readonly isPolicySettled: (policy: P) => boolean
  /** Whether the index has said this of a policy for as long. */
  readonly areEntriesSettled: (entries: readonly E[]) => boolean
}

export interface IndexPlan<P, E> {
  /** Policies that the index does not say: they are to count by themselves again, before anything else is done. */
  readonly unmark: readonly P[]
  /** The entries to write; undefined: the index has them. */
  readonly write: readonly E[] | undefined
  /** Policies that count by the index from now on. */
  readonly mark: readonly P[]
  /** Whether the index is to go: it is empty, and no policy counts by it. */
  readonly remove: boolean
  /** Whether something is to be done as soon as it is settled. */
  readonly isWaiting: boolean
}

/** Characters of an index as JSON. Its evaluation has a budget in the API server, far above this. */
const LONGEST = 32_768
/** As the kind has it. */
const MOST = 1024

/**
 * What is to be done for an index, so that at every moment each policy counts by the index or by itself. Policies stay in the index once
 * they are in it; with one policy alone there would be nothing to gain. Pure.
 */
export function planIndex<P extends Indexed, E extends IndexEntry>(view: IndexView<P, E>): IndexPlan<P, E> {
  const { kind, policies, entries: stored, isPolicySettled, areEntriesSettled } = view
  const present = Map.groupBy(stored ?? [], kind.policyOf)
  const isIndexed = (policy: P) => isDeepStrictEqual(present.get(policy.metadata.name), kind.entriesOf(policy))
  const isMarked = ({ metadata }: P) => metadata.labels?.[indexedLabel] !== undefined
  const entries = entriesFor({ ...view, present, isIndexed })
  const unmarked = policies.filter((policy) => isIndexed(policy) && !isMarked(policy))
  const mark = unmarked.filter((policy) => areEntriesSettled(kind.entriesOf(policy)))
  const isSame = isDeepStrictEqual(entries, [...(stored ?? [])])
  return {
    unmark: policies.filter((policy) => isMarked(policy) && !isIndexed(policy)),
    write: isSame ? undefined : entries,
    mark: policies.length > 1 ? mark : [],
    remove: stored !== undefined && isSame && entries.length === 0 && !policies.some(isMarked),
    isWaiting:
      policies.length > 1 &&
      (mark.length < unmarked.length || policies.some((policy) => !isIndexed(policy) && !isPolicySettled(policy))),
  }
}

interface Known<P extends Indexed, E extends IndexEntry> extends IndexView<P, E> {
  readonly present: ReadonlyMap<string, readonly E[]>
  readonly isIndexed: (policy: P) => boolean
}

/** In the order of names, so that the same policies make the same index. */
function entriesFor<P extends Indexed, E extends IndexEntry>(known: Known<P, E>): E[] {
  const { kind, policies, present, isIndexed, isPolicySettled } = known
  const byName = [...policies].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  // Until a change is settled an API server may still ask the index for what the policy said before.
  const kept = byName.filter(
    (policy) => isIndexed(policy) || (present.has(policy.metadata.name) && !isPolicySettled(policy)),
  )
  const entries = new Map(kept.map(({ metadata: { name } }) => [name, present.get(name) ?? []]))
  if (policies.length > 1) {
    let [length, count] = [JSON.stringify([...entries.values()]).length, [...entries.values()].flat().length]
    for (const policy of byName) {
      if (kept.includes(policy) || !isPolicySettled(policy)) continue
      const added = kind.entriesOf(policy)
      length += JSON.stringify(added).length + 1
      count += added.length
      if (length > LONGEST || count > MOST) break
      entries.set(policy.metadata.name, added)
    }
  }
  return byName.flatMap(({ metadata }) => entries.get(metadata.name) ?? [])
}
