import { assignShards } from './assign.ts'

/** What one member sees: its own caches and clock. */
export interface ShardView {
  readonly me: string
  /** When each member lease may be called dead, on our clock; ours never is. */
  readonly members: ReadonlyMap<string, { readonly expiresAt: number }>
  /** Who each shard lease names; '' if it was released. A shard that is missing has no lease. */
  readonly holders: ReadonlyMap<string, string>
  /** What there is to be divided. */
  readonly shards: ReadonlySet<string>
  /** Shards whose leases we hold. */
  readonly held: ReadonlySet<string>
}

export interface ShardPlan {
  /** Members whose leases are to be deleted, in the very version that was seen not to change. */
  readonly evict: readonly string[]
  /** Shards to take, each in the version that was seen; one that names another holder only if that one is gone. */
  readonly claim: readonly string[]
  /** Shards to stop working on, then to let go of. */
  readonly release: readonly string[]
  /** Shards whose leases name us although we neither hold nor want them: a write whose answer was lost. */
  readonly relinquish: readonly string[]
  /** Leases of shards that are no more, held by nobody alive; ours to delete. */
  readonly remove: readonly string[]
  /** When to look again even if nothing changes. */
  readonly wakeAt: number
}

/**
 * What a member does next so that every shard comes to be held by the member that it is assigned to. Pure. It decides
 * about progress only: that no shard is held twice rests on the writes (see ShardLeases), however wrong a view is.
 */
export function decideShards(view: ShardView, now: number): ShardPlan {
  const { me, members, holders, shards, held } = view
  const expired = [...members].filter(([name, { expiresAt }]) => name !== me && now >= expiresAt).map(([name]) => name)
  const live = new Set([me, ...members.keys()])
  for (const name of expired) live.delete(name)
  const known = new Set([...shards, ...holders.keys()])
  const assigned = assignShards(live, known)
  const mine = (shard: string) => assigned.get(shard) === me
  /** Nobody holds it: never held, released, or by a member whose lease is gone. */
  const free = (shard: string) => {
    const holder = holders.get(shard) ?? ''
    return holder === me || !members.has(holder)
  }
  const gone = [...holders.keys()].filter((shard) => !shards.has(shard) && !held.has(shard))
  return {
    evict: expired,
    claim: [...shards].filter((shard) => mine(shard) && !held.has(shard) && free(shard)),
    release: [...held].filter((shard) => !shards.has(shard) || !mine(shard)),
    relinquish: [...holders].filter(([s, holder]) => holder === me && !held.has(s) && !mine(s)).map(([shard]) => shard),
    remove: gone.filter((shard) => mine(shard) && free(shard)),
    wakeAt: [...members].reduce(
      (next, [name, { expiresAt }]) => (name === me || now >= expiresAt ? next : Math.min(next, expiresAt)),
      Number.POSITIVE_INFINITY,
    ),
  }
}
