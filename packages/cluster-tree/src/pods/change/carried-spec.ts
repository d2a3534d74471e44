import { hash } from 'node:crypto'
import { rootGenerationAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

/**
 * What tells one spec of a root pod from the next: its generation, or a hash where API servers count none of pods (before
 * Kubernetes 1.33). An API server gives fields in one order, so the same spec is the same text. Pure.
 */
export function carriedSpec({ metadata: { generation }, spec }: Pod): string {
  return generation === undefined ? `spec-${hash('sha1', JSON.stringify(spec)).slice(0, 16)}` : String(generation)
}

/** Whether the copy stands for the spec that the root pod has now. Pure. */
export function carriesSpec(leaf: Pod, root: Pod): boolean {
  return leaf.metadata.annotations?.[rootGenerationAnnotation] === carriedSpec(root)
}
