import { rootClusterLabel } from '@kosmos/api'
import {
  type Client,
  configMaps,
  endpointSlices,
  type KubeObject,
  type ObjectRef,
  type Outcome,
  type Resource,
  secrets,
  services,
} from '@kosmos/kube'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import { withFieldsNoted } from './noted-fields.ts'
import type { CopyPlan } from './plan.ts'
import { privateName } from './private-name.ts'
import { answerOf, CopyRefused, isRefusal, type Quotable, type Refusal } from './refused.ts'

/** Where a copy is written, and what it is made of. */
export interface CopyTarget {
  readonly leaf: Client
  readonly resource: Resource
  readonly ref: ObjectRef
  readonly rootClusterId: string
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Makes the copy; undefined if the root object has gone since. */
  readonly copy: () => Promise<KubeObject | undefined>
}

export type CopyWritten =
  /** The watch tells what came of it. */
  | 'written'
  /** Nothing was to be written, or it met something newer than its plan, of which the watch tells. */
  | 'unchanged'
  /** The leaf has an object of that name which is not ours. */
  | 'foreign'
  | { readonly afterMs: number }

/** As validation says it of immutable ConfigMaps and Secrets, of a Secret's type, and of the clusterIP of a Service. */
const IMMUTABLE = /immutable|may not change once set/

/** Of which we see who writes to them, see copies/informer.ts. */
const WATCHED = new Set([configMaps, secrets, services, endpointSlices].map(({ kind }) => kind))

/** The watch tells what was written: nobody reads it in the answer. */
const ANSWER = { metadataOnly: true } as const

/** Brings one copy in a leaf to what its plan says. Throws {@link CopyRefused} when the leaf does not take it, CopyFailed when it answers with an error. */
export async function writeCopy(plan: CopyPlan, target: CopyTarget): Promise<CopyWritten> {
  const { leaf, resource, ref } = target
  switch (plan.kind) {
    case 'none':
      return 'unchanged'
    case 'delete':
      return writtenIf(await deleteUnlessRefused(leaf, resource, ref, plan.uid))
    case 'create':
      return await create(target)
    case 'replace': {
      const copy = await target.copy()
      if (!copy) return 'unchanged'
      const { uid } = plan
      const object = inPlaceOf(copy, plan)
      const outcome = await replaceIn(leaf, resource, object)
      // An immutable object cannot be changed, only made again; whatever mounts it sees the new one.
      const isImmutable = !outcome.ok && outcome.reason === 'Invalid' && IMMUTABLE.test(outcome.status.message ?? '')
      if (isImmutable) return writtenIf(await deleteUnlessRefused(leaf, resource, ref, uid))
      if (isRefusal(outcome)) throw await refusedChange(outcome, leaf, resource, { ref, uid, sent: object })
      return writtenIf(outcome.ok)
    }
  }
}

function writtenIf(isDone: boolean): CopyWritten {
  return isDone ? 'written' : 'unchanged'
}

/**
 * As {@link writeCopy}, with a name of its own for what is created where the leaf has something else of that name.
 * @param nameInLeaf what the copy is called, or is to be called if nothing is in the way
 */
export async function writeCopyAs(
  plan: CopyPlan,
  nameInLeaf: string,
  targetOf: (nameInLeaf: string) => CopyTarget,
): Promise<Exclude<CopyWritten, 'foreign'>> {
  const target = targetOf(nameInLeaf)
  const written = await writeCopy(plan, target)
  if (written !== 'foreign') return written
  const name = privateName(nameInLeaf, target.rootClusterId)
  const again = await writeCopy(plan, targetOf(name))
  if (again === 'foreign') throw new CopyRefused(`${nameInLeaf} and ${name} are there and not of this root`)
  return again
}

/** An object as it is in a leaf. */
export interface Present {
  readonly uid: string
  readonly resourceVersion: string
}

/**
 * Creates an object that is made for one pod alone, or changes the one that is there.
 * @throws CopyRefused, CopyFailed
 * @returns false when something else has happened to it, of which the watch tells
 */
export async function writeDelivery(
  leaf: Client,
  resource: Resource,
  object: KubeObject,
  present: Present | undefined,
): Promise<boolean> {
  if (present === undefined) {
    const outcome = await createIn(leaf, resource, object)
    if (isRefusal(outcome)) throw CopyRefused.of(outcome, quotable(resource, object))
    return outcome.ok
  }
  const sent = inPlaceOf(object, present)
  const outcome = await replaceIn(leaf, resource, sent)
  const { namespace, name = '' } = object.metadata ?? {}
  const ref = { namespace, name }
  if (isRefusal(outcome)) throw await refusedChange(outcome, leaf, resource, { ref, uid: present.uid, sent })
  return outcome.ok
}

function inPlaceOf(object: KubeObject, { uid, resourceVersion }: Present): KubeObject {
  return { ...object, metadata: { ...object.metadata, uid, resourceVersion } }
}

/**
 * Deletes one incarnation of something of ours.
 * @throws CopyRefused, CopyFailed
 * @returns false when it has gone already
 */
export async function deleteUnlessRefused(
  leaf: Client,
  resource: Resource,
  ref: ObjectRef,
  uid: string,
): Promise<boolean> {
  const outcome = await answerOf(leaf.delete(resource, ref, { uid }), isSecret(resource))
  if (isRefusal(outcome)) throw await refusedChange(outcome, leaf, resource, { ref, uid })
  return outcome.ok
}

async function create({ leaf, resource, ref, rootClusterId, namespaces, copy }: CopyTarget): Promise<CopyWritten> {
  const object = await copy()
  if (!object) return 'unchanged'
  const outcome = await createIn(leaf, resource, object)
  if (outcome.ok) return 'written'
  if (outcome.reason === 'NotFound' && ref.namespace) {
    const ensured = await answerOf(namespaces.ensure(ref.namespace), false)
    if (typeof ensured === 'object') throw CopyRefused.of(ensured)
    return { afterMs: ensured === 'created' ? 1 : 500 }
  }
  if (outcome.reason !== 'AlreadyExists') throw CopyRefused.of(outcome, quotable(resource, object))
  // Whose it is, and nothing else of it.
  const present = await answerOf(leaf.getMetadata(resource, ref), isSecret(resource))
  if (!present || present.metadata?.labels?.[rootClusterLabel] === rootClusterId) return { afterMs: 500 }
  return 'foreign'
}

async function createIn(leaf: Client, resource: Resource, object: KubeObject): Promise<Outcome<KubeObject>> {
  return await answerOf(leaf.create<KubeObject>(resource, noted(resource, object), ANSWER), isSecret(resource))
}

async function replaceIn(leaf: Client, resource: Resource, object: KubeObject): Promise<Outcome<KubeObject>> {
  return await answerOf(leaf.replace<KubeObject>(resource, noted(resource, object), ANSWER), isSecret(resource))
}

function noted({ kind }: Resource, object: KubeObject): KubeObject {
  return WATCHED.has(kind) ? withFieldsNoted(object) : object
}

/** Throws what only the leaf's administrator can mend. Not for Secrets. */
export function refuseUnlessPassing(outcome: Outcome<unknown>): void {
  if (isRefusal(outcome)) throw CopyRefused.of(outcome)
}

/** What was to be changed, or deleted. */
interface Changed {
  readonly ref: ObjectRef
  readonly uid: string
  readonly sent?: KubeObject
}

/** The refusal of a change, which of a Secret may quote what is there as well as what was sent. */
async function refusedChange(
  outcome: Refusal,
  leaf: Client,
  resource: Resource,
  { ref, uid, sent }: Changed,
): Promise<CopyRefused> {
  if (!isSecret(resource)) return CopyRefused.of(outcome)
  const present = await leaf.get(secrets, ref).catch(() => undefined)
  if (present === undefined || present.metadata.uid !== uid) return CopyRefused.of(outcome, 'unknown')
  return CopyRefused.of(outcome, sent ? [present, sent] : [present])
}

function quotable(resource: Resource, sent: KubeObject): Quotable {
  return isSecret(resource) ? [sent] : []
}

function isSecret({ kind }: Resource): boolean {
  return kind === secrets.kind
}
