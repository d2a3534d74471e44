import { isDeepStrictEqual } from 'node:util'
import { type Client, isGone, type KubeObject, type Outcome, type Resource } from '@kosmos/kube'

/** Something of somebody else has the name, or the API server refuses ours. */
export class Blocked extends Error {
  override name = 'Blocked'
}

/** What was written, or undefined if the namespace goes or has gone: with it goes everything. */
type Written<T> = Promise<T | undefined>

/** Creates what is not there; never takes what is somebody else's. @throws {Blocked} */
export async function create<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  wanted: KubeObject,
  isOurs: (object: KubeObject) => boolean,
): Written<T> {
  const outcome = await client.create(resource, wanted)
  const { namespace, name = '' } = wanted.metadata ?? {}
  if (outcome.ok || outcome.reason !== 'AlreadyExists') return written(resource, wanted, outcome)
  const there = await client.getMetadata(resource, { namespace, name })
  // The watch will tell of it.
  if (there === undefined || isOurs(there)) throw new Error(`${resource.kind} ${namespace}/${name} has come meanwhile`)
  throw new Blocked(
    `there is a ${resource.kind} ${name} that this root did not create and will not touch; delete or rename it`,
  )
}

/** Changes what is ours. @throws {Blocked} */
export async function change<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  present: KubeObject,
  wanted: KubeObject,
  subresource?: 'status',
): Written<T> {
  const { namespace, name = '', uid } = present.metadata ?? {}
  const { labels, ownerReferences } = wanted.metadata ?? {}
  const metadata = { uid, ...(labels && { labels }), ...(ownerReferences && { ownerReferences }) }
  const patch = { ...wanted, metadata }
  return written(
    resource,
    present,
    await client.patch(resource, { namespace, name }, patch, { type: 'merge', ...(subresource && { subresource }) }),
  )
}

/** Deletes what is ours, this incarnation alone. */
export async function remove(client: Client, resource: Resource, { metadata = {} }: KubeObject): Promise<void> {
  const { namespace, name = '', uid } = metadata
  if (metadata.deletionTimestamp) return
  await client.delete(resource, { namespace, name }, uid === undefined ? {} : { uid })
}

/** Whether an object has the labels and owners of another. */
export function hasMetadataOf({ metadata: present = {} }: KubeObject, { metadata: wanted = {} }: KubeObject): boolean {
  const labels = Object.entries(wanted.labels ?? {})
  return (
    labels.every(([key, value]) => present.labels?.[key] === value) &&
    isDeepStrictEqual(present.ownerReferences ?? [], wanted.ownerReferences ?? [])
  )
}

function written<T>(resource: Resource, { metadata = {} }: KubeObject, outcome: Outcome<T>): T | undefined {
  if (outcome.ok) return outcome.object
  const { reason, status } = outcome
  // Forbidden as well: a namespace that is being deleted takes nothing.
  const isGoing = status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
  if (isGoing || isGone(outcome)) return undefined
  const message = `${resource.kind} ${metadata.namespace}/${metadata.name}: ${status.message ?? reason}`
  if (reason === 'Invalid' || reason === 'Forbidden') throw new Blocked(message)
  throw new Error(message)
}
