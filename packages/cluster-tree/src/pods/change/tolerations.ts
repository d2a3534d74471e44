import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '@kosmos/kube'
import type { CopyPatch, Toleration } from './changes.ts'

/**
 * A change of a copy that makes it tolerate what is `wanted`, for as long, before what the leaf has given it, as a copy made now
 * would; undefined when `copy` is not the one that is meant. The list is replaced as a whole, and an API server lets none be
 * taken away or changed but for its seconds (upstream validateOnlyAddedTolerations). Pure.
 */
export function withTolerations(
  change: CopyPatch['body'],
  wanted: readonly Toleration[],
  copy: Pod | undefined,
): CopyPatch['body'] | undefined {
  if (copy?.metadata.uid !== change.metadata.uid) return undefined
  const present = copy.spec.tolerations ?? []
  const named = new Set(wanted.map(nameOf))
  const tolerations = [...wanted, ...present.filter((one) => !named.has(nameOf(one)))]
  if (isDeepStrictEqual(tolerations, present)) return change
  const { resourceVersion } = copy.metadata
  return { ...change, metadata: { ...change.metadata, resourceVersion }, spec: { ...change.spec, tolerations } }
}

/** All but the seconds. On the wire nothing is the same as an empty text. */
function nameOf({ key = '', operator = '', value = '', effect = '' }: Toleration): string {
  return JSON.stringify([key, operator, value, effect])
}
