import { type Client, census, type KubeObject } from '@kosmos/kube'
import { resourceOf } from '../clusters/resource-of.ts'
import type { Manifest } from '../clusters/resources.ts'
import { partOf } from './manifests.ts'

/** Deletes what install made, or tries it in a dry run; resolves with the reason if it stays. */
export async function remove(root: Client, manifest: Manifest, dryRun = false): Promise<string | undefined> {
  const resource = resourceOf(manifest)
  const { name = '', namespace } = manifest.metadata ?? {}
  const existing = await root.get(resource, { name, namespace })
  if (existing === undefined) return 'NotFound'
  if (manifest.kind !== 'CustomResourceDefinition' && !isPart(existing)) return 'it was not made by install'
  if (isNamespace(manifest)) {
    const found = await census(root, name, (object, kind) => isPart(object) || kind.plural === 'leases')
    if (found.kind === 'foreign') return `${found.example} is in it`
    if (found.kind === 'unknown') return `${found.kinds.join(', ')} may not be listed`
  }
  const { uid = '' } = existing.metadata ?? {}
  const outcome = await root.delete(resource, { name, namespace }, { uid, dryRun, propagationPolicy: 'Background' })
  if (outcome.ok || outcome.reason === 'NotFound') return undefined
  // Somebody has made it anew meanwhile, and perhaps not install.
  if (outcome.reason === 'OtherIncarnation') return await remove(root, manifest, dryRun)
  return outcome.status.message ?? outcome.reason
}

const isPart = ({ metadata }: KubeObject): boolean => metadata?.labels?.[partOf.label] === partOf.value

export const isNamespace = ({ kind }: Manifest): boolean => kind === 'Namespace'
