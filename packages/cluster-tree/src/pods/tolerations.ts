import type { Pod } from '@kosmos/kube'
import type { CopyPatch, Toleration } from './changes.ts'

/**
 * A change of a copy that adds what it does not tolerate yet; undefined when `copy` is not the one that is meant. The list is
 * replaced as a whole, and an API server lets none be taken away or changed but for its seconds, which stay as the copy has
 * them. Pure.
 */
export function withTolerations(
  change: CopyPatch['body'],
  wanted: readonly Toleration[],
  copy: Pod | undefined,
): CopyPatch['body'] | undefined {
  if (copy?.metadata.uid !== change.metadata.uid) return undefined
  const present = copy.spec.tolerations ?? []
  const missing = wanted.filter((one) => !present.some((other) => isSame(one, other)))
  if (missing.length === 0) return change
  const { resourceVersion } = copy.metadata
  const tolerations = [...present, ...missing]
  return { ...change, metadata: { ...change.metadata, resourceVersion }, spec: { ...change.spec, tolerations } }
}

function isSame(a: Toleration, b: Toleration): boolean {
  const operatorOf = ({ operator = 'Equal' }: Toleration) => operator
  return (
    operatorOf(a) === operatorOf(b) &&
    (['key', 'value', 'effect'] as const).every((field) => (a[field] ?? '') === (b[field] ?? ''))
  )
}
