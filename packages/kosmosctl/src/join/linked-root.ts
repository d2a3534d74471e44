import type { Client } from '@kosmos/kube'
import { applyOwn, applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { deployedManifests } from '../install/deploy-folder.ts'
import { linkNamespace } from '../link/network/facts.ts'
import { leafManifests } from './leaf-manifests.ts'

/**
 * What join creates in a root that is linked itself: the agents and their rights as in every cluster, and no account, since the
 * controllers have their own there.
 */
export async function linkedRootManifests(cluster: string, rootId: string): Promise<Manifest[]> {
  const files = ['rbac/leaf-link.yaml', 'link-agent.yaml']
  const all = (await Promise.all(files.map((file) => deployedManifests(file)))).flat()
  return leafManifests(all.filter(isOfAgents).map(withoutAccount), rootId, cluster)
}

const ofAccount = 'kosmos-<root>'

/** The account has rights in the agents' namespace that the controllers of the root need as well. */
const isOfAgents = ({ metadata }: Manifest): boolean =>
  metadata?.namespace === linkNamespace || !metadata?.name?.startsWith(ofAccount)

function withoutAccount(manifest: Manifest): Manifest {
  const { subjects } = manifest as { readonly subjects?: readonly { readonly name: string }[] }
  if (subjects === undefined) return manifest
  return { ...manifest, subjects: subjects.filter(({ name }) => name !== ofAccount) } as Manifest
}

/** Stores the Cluster of the root and what it owns: that goes with it, whoever deletes it. */
export async function linkRoot(
  root: Client,
  cluster: Manifest,
  agents: readonly Manifest[],
  rootId: string,
): Promise<void> {
  const { metadata } = await applyTo(root, cluster)
  const { apiVersion, kind } = cluster
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }]
  for (const manifest of agents) {
    await applyOwn(root, { ...manifest, metadata: { ...manifest.metadata, ownerReferences } } as Manifest, rootId)
  }
}
