import { setTimeout as sleep } from 'node:timers/promises'
import { rootClusterLabel } from '@kosmos/api'
import { type Client, describeObject, type KubeObject, type Namespace, namespaces, type Stored } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'
import { managedBy, managedByLabel } from './names.ts'
import { resourceOf } from './resource-of.ts'
import type { Manifest } from './resources.ts'

/** How long what is being deleted may take to go before it is made anew. */
const terminatingMs = 60_000

export function isOwn(object: KubeObject, rootId: string): boolean {
  return object.metadata?.labels?.[rootClusterLabel] === rootId
}

/**
 * Applies an object of one root in a leaf, after one that is being deleted has gone. What is there without this root's
 * identity stays as it is: Failure.
 */
export async function applyOwn(client: Client, manifest: Manifest, rootId: string): Promise<Stored<KubeObject>> {
  const existing = await lasting(client, manifest)
  if (existing !== undefined && !isOwn(existing, rootId)) {
    throw new Failure(`${client.name}: ${describeObject(manifest)} exists and was not made for this root`, {
      next: `remove or rename it in the ${client.name}, then run the command again`,
    })
  }
  return await applyTo(client, manifest)
}

/** What there is of a manifest, and is not about to go. */
async function lasting(client: Client, manifest: Manifest): Promise<KubeObject | undefined> {
  const { name = '', namespace } = manifest.metadata ?? {}
  const until = Date.now() + terminatingMs
  for (;;) {
    const existing = await client.get(resourceOf(manifest), { name, namespace })
    if (existing?.metadata?.deletionTimestamp === undefined) return existing
    if (Date.now() > until) {
      throw new Failure(`${client.name}: ${describeObject(manifest)} is still being deleted`, {
        next: 'try again later',
      })
    }
    await sleep(500)
  }
}

/** Server-side apply; a refusal becomes a Failure that names the object. */
export async function applyTo(client: Client, manifest: Manifest): Promise<Stored<KubeObject>> {
  const outcome = await client.apply(resourceOf(manifest), manifest)
  if (outcome.ok) return outcome.object as Stored<KubeObject>
  throw new Failure(
    `${client.name}: ${describeObject(manifest)} was not stored: ${outcome.status.message ?? outcome.reason}`,
    { next: 'when that is solved run the command again; it takes up where it stopped' },
  )
}

/** Creates a namespace if there is none of the name; one that exists stays untouched, whoever made it. */
export async function ensureNamespace(client: Client, manifest: Manifest): Promise<void> {
  const name = manifest.metadata?.name ?? ''
  const until = Date.now() + terminatingMs
  for (;;) {
    const outcome = await client.create(namespaces, manifest)
    if (outcome.ok) return
    const existing = await client.get(namespaces, { name })
    // Who may not create namespaces can go on if it exists.
    if (
      existing !== undefined &&
      existing.metadata.deletionTimestamp === undefined &&
      (await isKept(client, existing))
    ) {
      return
    }
    const mayComeAgain = outcome.reason === 'AlreadyExists' || existing !== undefined
    if (!mayComeAgain || Date.now() > until) {
      throw new Failure(`${client.name}: namespace ${name} was not created: ${outcome.status.message}`, {
        next:
          existing === undefined ? 'create it, or use credentials that may' : 'it is being deleted: try again later',
      })
    }
    await sleep(500)
  }
}

/** A namespace that an unjoin a moment ago left to the garbage collector is taken back; false if it was quicker. */
async function isKept(client: Client, { metadata }: Namespace): Promise<boolean> {
  const { name, uid, resourceVersion, ownerReferences, labels } = metadata
  if (!ownerReferences?.length || labels?.[managedByLabel] !== managedBy) return true
  const patch = { metadata: { uid, resourceVersion, ownerReferences: null } }
  return (await client.patch(namespaces, { name }, patch, { type: 'merge' })).ok
}
