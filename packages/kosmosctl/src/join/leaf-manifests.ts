import { rootClusterLabel } from '@kosmos/api'
import { leafAccountName, managedBy, managedByLabel } from '../clusters/names.ts'
import type { Manifest } from '../clusters/resources.ts'

/** What join creates in a leaf: deploy/rbac/leaf.yaml with the values of one root. Pure. */
export function leafManifests(template: readonly Manifest[], rootId: string): Manifest[] {
  const account = leafAccountName(rootId)
  return template.map((manifest) => {
    const filled = substitute(manifest, 'kosmos-<root>', account) as Manifest
    return {
      ...filled,
      metadata: {
        ...filled.metadata,
        labels: { ...filled.metadata?.labels, [rootClusterLabel]: rootId, [managedByLabel]: managedBy },
      },
    }
  })
}

function substitute(value: unknown, placeholder: string, replacement: string): unknown {
  if (value === placeholder) return replacement
  if (Array.isArray(value)) return value.map((item) => substitute(item, placeholder, replacement))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, substitute(item, placeholder, replacement)]),
  )
}
