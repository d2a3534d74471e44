import { type Client, customResourceDefinitions } from '@kosmos/kube'
import { applyOwn, ensureNamespace, isOwn } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'

/**
 * Creates the account and its rights in the leaf. The ClusterRoleBinding owns the rest, so that an account which may
 * delete it gives up everything at once, the rights that it needs for that included.
 */
export async function grantAccess(leaf: Client, manifests: readonly Manifest[], rootId: string): Promise<void> {
  const [namespace, role, binding] = ['Namespace', 'ClusterRole', 'ClusterRoleBinding'].map((kind) =>
    manifests.find((manifest) => manifest.kind === kind),
  )
  if (!namespace || !role || !binding) throw new TypeError('the manifests for the leaf are incomplete')
  await ensureNamespace(leaf, namespace)
  await applyOwn(leaf, role, rootId)
  const { metadata } = await applyOwn(leaf, binding, rootId)
  const ownerReferences = [
    { apiVersion: binding.apiVersion, kind: binding.kind, name: metadata.name, uid: metadata.uid },
  ]
  for (const manifest of manifests.filter((manifest) => manifest !== namespace && manifest !== binding)) {
    if (manifest.kind === customResourceDefinitions.kind && (await isForeign(leaf, manifest, rootId))) continue
    await applyOwn(leaf, { ...manifest, metadata: { ...manifest.metadata, ownerReferences } } as Manifest, rootId)
  }
}

/** A kind that another root, or somebody by hand, has put there serves us as well. */
async function isForeign(leaf: Client, { metadata }: Manifest, rootId: string): Promise<boolean> {
  const existing = await leaf.get(customResourceDefinitions, { name: metadata?.name ?? '' })
  return existing !== undefined && !isOwn(existing, rootId)
}
