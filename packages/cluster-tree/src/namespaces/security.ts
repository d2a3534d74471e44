import type { KubeObject } from '@kosmos/kube'

type Labels = Readonly<Record<string, string>>

/** What Pod Security admission goes by (KEP-2579). */
const PREFIX = 'pod-security.kubernetes.io/'

/** The labels of a namespace that decide which pods it admits. Pure. */
export function securityLabels(namespace: Pick<KubeObject, 'metadata'> | undefined): Labels {
  const labels = Object.entries(namespace?.metadata?.labels ?? {})
  return Object.fromEntries(labels.filter(([key]) => key.startsWith(PREFIX)))
}

/** The merge patch of labels that makes a copy admit what the original does; undefined if it does. Pure. */
export function securityPatch(
  copy: Pick<KubeObject, 'metadata'>,
  original: Pick<KubeObject, 'metadata'>,
): Readonly<Record<string, string | null>> | undefined {
  const [has, wanted] = [securityLabels(copy), securityLabels(original)]
  const patch: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(wanted)) if (has[key] !== value) patch[key] = value
  for (const key of Object.keys(has)) if (wanted[key] === undefined) patch[key] = null
  return Object.keys(patch).length > 0 ? patch : undefined
}
