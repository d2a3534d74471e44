import type { Client } from '../../client/client.ts'
import { type Outcome, refused } from '../../client/outcome.ts'
import { keyOf } from '../../objects/key.ts'
import { microTime } from '../../objects/micro-time.ts'
import { leases } from '../../objects/resources.ts'
import type { Lease } from '../../objects/types.ts'
import { groupLabel, type LeaseNames } from './names.ts'

/** Where the leases of a group are. */
export interface ShardRequests {
  readonly client: Client
  readonly namespace: string
  readonly group: string
  readonly names: LeaseNames
  /** For each request; what was asked may happen all the same. */
  readonly timeoutMs: number
}

export interface ShardClaim {
  readonly shard: string
  /** Who takes it. */
  readonly member: string
  /** The shard lease as it was read; undefined to create it. */
  readonly lease: Lease | undefined
}

/** The lease of a shard that is now the member's; undefined if somebody was quicker, or its holder is not dead. */
export async function claimShard(where: ShardRequests, claim: ShardClaim): Promise<Lease | undefined> {
  const { client, namespace, group, names, timeoutMs } = where
  const { shard, member, lease } = claim
  if (!(await isFree(where, lease, member))) return undefined
  const signal = AbortSignal.timeout(timeoutMs)
  const now = microTime(new Date())
  const spec = {
    holderIdentity: member,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: (lease?.spec?.leaseTransitions ?? -1) + 1,
  }
  const outcome = lease
    ? await client.replace<Lease>(leases, { ...lease, spec } as Lease, { signal })
    : await client.create<Lease>(
        leases,
        {
          metadata: { namespace, name: names.shard(shard), labels: { [groupLabel]: group } },
          spec,
        } as object,
        { signal },
      )
  throwUnlessOvertaken(outcome, `shard ${shard} cannot be taken`)
  return outcome.ok ? outcome.object : undefined
}

/** Lets go of a shard, if its lease is still as it was seen or written last. */
export async function releaseShard({ client, timeoutMs }: ShardRequests, lease: Lease | undefined): Promise<void> {
  if (!lease) return
  const released = { ...lease, spec: { ...lease.spec, holderIdentity: '' } } as Lease
  const outcome = await client.replace<Lease>(leases, released, { signal: AbortSignal.timeout(timeoutMs) })
  throwUnlessOvertaken(outcome, `Lease ${keyOf(lease)} cannot be released`)
}

/** Deletes the Lease of a member, if it is still as it was seen: nobody can renew it any more. */
export async function evictMember(where: ShardRequests, lease: Lease | undefined): Promise<void> {
  if (lease) await deleteVersion(where, lease)
}

/** Deletes the Lease of a shard that is no more, unless somebody holds it or took it meanwhile. */
export async function removeShard(where: ShardRequests, lease: Lease | undefined, member: string): Promise<void> {
  if (lease && (await isFree(where, lease, member))) await deleteVersion(where, lease)
}

/** A cache may not know the holder's Lease yet; the API server knows whether it is gone, and it never comes back. */
async function isFree(where: ShardRequests, lease: Lease | undefined, member: string): Promise<boolean> {
  const { client, namespace, names, timeoutMs } = where
  const holder = lease?.spec?.holderIdentity
  if (!holder || holder === member) return true
  const ref = { namespace, name: names.member(holder) }
  return (await client.get(leases, ref, AbortSignal.timeout(timeoutMs))) === undefined
}

async function deleteVersion({ client, timeoutMs }: ShardRequests, lease: Lease): Promise<void> {
  const { namespace, name, uid, resourceVersion } = lease.metadata
  const outcome = await client.delete(
    leases,
    { namespace, name },
    { uid, resourceVersion, signal: AbortSignal.timeout(timeoutMs) },
  )
  throwUnlessOvertaken(outcome, `Lease ${keyOf(lease)} cannot be deleted`)
}

/** That somebody else was quicker is no failure: the watch says what they did. */
function throwUnlessOvertaken(outcome: Outcome<unknown>, what: string): void {
  if (!outcome.ok && (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid')) throw refused(what, outcome)
}
