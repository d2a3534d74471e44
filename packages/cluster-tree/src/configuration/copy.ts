import { globalAnnotation, rootClusterLabel, rootResourceVersionAnnotation, rootUidAnnotation } from '@kosmos/api'
import type { ConfigMap, KubeObject, Secret } from '@kosmos/kube'

/** Annotations that describe the root object itself and mean nothing, or something else, in a leaf. */
const NOT_COPIED = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

/**
 * The leaf's copy of a root ConfigMap or Secret: the same content, with our identity. A ServiceAccount's token loses its
 * type, because the leaf would delete a token Secret whose ServiceAccount it does not know.
 */
export function copyOf(root: ConfigMap | Secret, rootClusterId: string): KubeObject {
  const { name, namespace, labels, annotations, uid, resourceVersion } = root.metadata
  const { metadata: _, ...content } = root
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key))
  return {
    ...content,
    ...('type' in content && content.type === 'kubernetes.io/service-account-token' && { type: 'Opaque' }),
    metadata: {
      name,
      ...(namespace && { namespace }),
      labels: { ...labels, [rootClusterLabel]: rootClusterId },
      annotations: {
        ...Object.fromEntries(kept),
        [globalAnnotation]: 'true',
        [rootUidAnnotation]: uid,
        [rootResourceVersionAnnotation]: resourceVersion,
      },
    },
  }
}
