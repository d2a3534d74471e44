import type { ConfigMap, KubeObject, Secret } from '@kosmos/kube'
import { copyMetadata } from '../copies/identity.ts'

/**
 * The leaf's copy of a root ConfigMap or Secret: the same content, with our identity. A ServiceAccount's token loses its
 * type, because the leaf would delete a token Secret whose ServiceAccount it does not know.
 */
export function copyOf(root: ConfigMap | Secret, rootClusterId: string, nameInLeaf?: string): KubeObject {
  const { metadata: _, ...content } = root
  return {
    ...content,
    ...('type' in content && content.type === 'kubernetes.io/service-account-token' && { type: 'Opaque' }),
    metadata: copyMetadata(root, rootClusterId, nameInLeaf),
  } as KubeObject
}
