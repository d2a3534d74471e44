import { rootClusterLabel } from '@kosmos/api'
import { leafAccountName, managedBy, managedByLabel } from '../clusters/names.ts'
import type { Manifest } from '../clusters/resources.ts'
import { nodeConfigDefinition } from '../install/definitions.ts'
import { deployedManifests } from '../install/deploy-folder.ts'

/** Which modules a cluster takes part in. */
export interface Modules {
  readonly tree: boolean
  readonly link: boolean
}

/** What join creates in a leaf, from the manifests below deploy/. */
export async function leafManifestsFor(cluster: string, rootId: string, { tree, link }: Modules): Promise<Manifest[]> {
  const account = await deployedManifests('rbac/leaf.yaml')
  const ofLink = link
    ? [
        nodeConfigDefinition(),
        ...(await deployedManifests('rbac/leaf-link.yaml')),
        ...(await deployedManifests('link-agent.yaml')),
      ]
    : []
  return leafManifests([...(tree ? account : account.map(withoutTree)), ...ofLink], rootId, cluster)
}

/** Manifests for a leaf with the values of one root. Pure. */
export function leafManifests(template: readonly Manifest[], rootId: string, cluster = ''): Manifest[] {
  const values = { 'kosmos-<root>': leafAccountName(rootId), '<cluster>': cluster }
  return template.map((manifest) => {
    const filled = substitute(manifest, values) as Manifest
    return {
      ...filled,
      metadata: {
        ...filled.metadata,
        labels: { ...filled.metadata?.labels, [rootClusterLabel]: rootId, [managedByLabel]: managedBy },
      },
    }
  })
}

interface Rule {
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** Of the rights in the whole leaf, those by which the account knows the leaf, and gives itself up. Pure. */
export function withoutTree(manifest: Manifest): Manifest {
  if (manifest.kind !== 'ClusterRole') return manifest
  const own = (manifest.rules as Rule[]).filter(({ resourceNames }) => resourceNames !== undefined)
  const looking = { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list'] }
  return { ...manifest, rules: [looking, ...own] }
}

function substitute(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return Object.entries(values).reduce((text, [placeholder, filled]) => text.replaceAll(placeholder, filled), value)
  }
  if (Array.isArray(value)) return value.map((item) => substitute(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, values)]))
}
