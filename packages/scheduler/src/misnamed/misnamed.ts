import { workloadPolicyLabel } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

/**
 * The WorkloadPolicy that a pod asks for by its label, and that its namespace does not have: it is placed as without that label.
 * Undefined: it asks for none, or that one is there. Pure.
 */
export function misnamed({ metadata }: Pick<Pod, 'metadata'>, isThere: (name: string) => boolean): string | undefined {
  const name = metadata.labels?.[workloadPolicyLabel]
  return name && !isThere(name) ? name : undefined
}

/** What is wrong with that, as a clause. */
export const misnamedText = (name: string, namespace: string): string =>
  `its label ${workloadPolicyLabel} names WorkloadPolicy ${name}, which namespace ${namespace} does not have: the label counts for nothing`
