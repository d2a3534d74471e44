import type { KubeObject } from './types.ts'

/** `ClusterRole kosmos-x` or `Secret kosmos-system/cluster-x`. */
export function describeObject({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata?.namespace ? `${metadata.namespace}/` : ''}${metadata?.name}`
}
