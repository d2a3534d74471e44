import { isDeepStrictEqual } from 'node:util'
import { clusterKind, customResourceDefinition } from '@kosmos/api'
import { type Client, customResourceDefinitions } from '@kosmos/kube'

/** Whether the root knows the kind Cluster, and as this version defines it. */
export async function definitionState(root: Client): Promise<'current' | 'other' | 'missing'> {
  const expected = customResourceDefinition(clusterKind)
  const actual = await root.get(customResourceDefinitions, { name: expected.metadata.name })
  if (actual === undefined) return 'missing'
  const schemaOf = (definition: { spec: { versions: readonly { readonly schema?: unknown }[] } }) =>
    definition.spec.versions[0]?.schema
  return isDeepStrictEqual(schemaOf(actual), schemaOf(expected)) ? 'current' : 'other'
}
