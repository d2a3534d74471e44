import { rootClusterLabel } from '@kosmos/api'
import { type Client, type KubeObject, type ObjectRef, type Outcome, type Resource, secrets } from '@kosmos/kube'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { CopyPlan } from './plan.ts'
import { privateName } from './private-name.ts'
import { withoutContents } from './without-contents.ts'

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
  /** The leaf has an object of that name which is not ours. */
  | 'foreign'
  | { readonly afterMs: number }

/** The leaf said no; it is asked again later. */
export class CopyRefused extends Error {
  /** @param secret what was refused, if it is a Secret: it is not quoted */
  static of({ reason, status }: Extract<Outcome<unknown>, { ok: false }>, secret: KubeObject = {}): CopyRefused {
    return new CopyRefused(withoutContents(status.message ?? reason, secret))
  }
}

/** As validation says it of immutable ConfigMaps and Secrets, of a Secret's type, and of the clusterIP of a Service. */
const IMMUTABLE = /immutable|may not change once set/

/** The watch tells what was written: nobody reads it in the answer. */
const ANSWER = { metadataOnly: true } as const

/** Brings one copy in a leaf to what its plan says. Throws {@link CopyRefused} when the leaf does not take it. */
export async function writeCopy(plan: CopyPlan, target: CopyTarget): Promise<CopyWritten> {
  const { leaf, resource, ref } = target
  switch (plan.kind) {
    case 'none':
      return 'written'
    case 'delete':
      refuseUnlessPassing(await leaf.delete(resource, ref, { uid: plan.uid }))
      return 'written'
    case 'create':
      return await create(target)
    case 'replace': {
      const copy = await target.copy()
      if (!copy) return 'written'
      const { uid, resourceVersion } = plan
      const metadata = { ...copy.metadata, uid, resourceVersion }
      const outcome = await leaf.replace<KubeObject>(resource, { ...copy, metadata }, ANSWER)
      // An immutable object cannot be changed, only made again; whatever mounts it sees the new one.
      const isImmutable = !outcome.ok && outcome.reason === 'Invalid' && IMMUTABLE.test(outcome.status.message ?? '')
      const seen = isImmutable ? await leaf.delete(resource, ref, { uid }) : outcome
      refuseUnlessPassing(seen, secretIn(resource, copy))
      return 'written'
    }
  }
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

async function create({ leaf, resource, ref, rootClusterId, namespaces, copy }: CopyTarget): Promise<CopyWritten> {
  const object = await copy()
  if (!object) return 'written'
  const outcome = await leaf.create<KubeObject>(resource, object, ANSWER)
  if (outcome.ok) return 'written'
  if (outcome.reason === 'NotFound' && ref.namespace) {
    const ensured = await namespaces.ensure(ref.namespace)
    if (typeof ensured === 'object') throw CopyRefused.of(ensured)
    return { afterMs: ensured === 'created' ? 1 : 500 }
  }
  if (outcome.reason !== 'AlreadyExists') throw CopyRefused.of(outcome, secretIn(resource, object))
  // Whose it is, and nothing else of it.
  const present = await leaf.getMetadata(resource, ref)
  if (!present || present.metadata?.labels?.[rootClusterLabel] === rootClusterId) return { afterMs: 500 }
  return 'foreign'
}

/**
 * Throws what only the leaf's administrator can mend; what another change caused, the watch follows up.
 * @param secret what was written, if it is a Secret: it is not quoted
 */
export function refuseUnlessPassing(outcome: Outcome<unknown>, secret?: KubeObject): void {
  if (!outcome.ok && (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid'))
    throw CopyRefused.of(outcome, secret)
}

function secretIn({ kind }: Resource, object: KubeObject): KubeObject | undefined {
  return kind === secrets.kind ? object : undefined
}
