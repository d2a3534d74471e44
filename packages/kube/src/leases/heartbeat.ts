import type { Client } from '../client/client.ts'
import { microTime } from '../objects/micro-time.ts'
import { leases } from '../objects/resources.ts'
import type { Lease } from '../objects/types.ts'

/** A Lease that is renewed as long as somebody lives, and that goes with its owner. */
export interface Heartbeat {
  readonly namespace: string
  readonly name: string
  readonly holder: string
  /** After so long without a renewal others take the holder for dead. */
  readonly durationSeconds: number
  readonly owner: NonNullable<Lease['metadata']['ownerReferences']>[number]
}

interface BeatOptions {
  readonly now?: Date
  readonly signal?: AbortSignal
}

/** A beat that comes late is worth less than the next one, which may wait for it: a quarter of the duration, as kubelets have. */
function timely({ durationSeconds }: Heartbeat, { signal }: BeatOptions) {
  const late = AbortSignal.timeout(durationSeconds * 250)
  return { signal: signal ? AbortSignal.any([signal, late]) : late }
}

/**
 * Says that the holder lives. One request while the Lease exists.
 * @throws Error when it is refused; RequestAborted on the signal, or without an answer in a quarter of the duration
 */
export async function renewHeartbeat(client: Client, heartbeat: Heartbeat, options: BeatOptions = {}): Promise<void> {
  const { namespace, name, owner } = heartbeat
  // An owner that was made anew takes over what its predecessor left.
  const renewal = { metadata: { ownerReferences: [owner] }, spec: specOf(heartbeat, options) }
  const how = { type: 'merge', metadataOnly: true, ...timely(heartbeat, options) } as const
  const renewed = await client.patch(leases, { namespace, name }, renewal, how)
  if (renewed.ok) return
  if (renewed.reason !== 'NotFound') throw new Error(`Lease ${namespace}/${name}: ${renewed.status.message}`)
  await create(client, heartbeat, options)
}

/** The same for a holder that is new: without asking whether one of its name left a Lease. */
export async function startHeartbeat(client: Client, heartbeat: Heartbeat, options: BeatOptions = {}): Promise<void> {
  if (!(await create(client, heartbeat, options))) await renewHeartbeat(client, heartbeat, options)
}

/** Returns whether it was made: another may have made it. */
async function create(client: Client, heartbeat: Heartbeat, options: BeatOptions): Promise<boolean> {
  const { namespace, name, owner } = heartbeat
  const manifest = { metadata: { namespace, name, ownerReferences: [owner] }, spec: specOf(heartbeat, options) }
  const created = await client.create(leases, manifest as object, timely(heartbeat, options))
  if (!created.ok && created.reason !== 'AlreadyExists') {
    throw new Error(`Lease ${namespace}/${name}: ${created.status.message}`)
  }
  return created.ok
}

const specOf = ({ holder, durationSeconds }: Heartbeat, { now = new Date() }: BeatOptions) => ({
  holderIdentity: holder,
  leaseDurationSeconds: durationSeconds,
  renewTime: microTime(now),
})
