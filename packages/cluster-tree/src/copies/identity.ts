import {
  fieldsAnnotation,
  globalAnnotation,
  rootClusterLabel,
  rootNameAnnotation,
  rootResourceVersionAnnotation,
  rootUidAnnotation,
  setRightAnnotation,
} from '@kosmos/api'
import type { KubeObject, Stored } from '@kosmos/kube'

/**
 * Annotations that describe the root object itself and mean nothing, or something else, in a leaf: by the name we find the root object
 * of a copy, what was set right was a copy, and the root object may be somebody's copy itself.
 */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  rootNameAnnotation,
  setRightAnnotation,
  fieldsAnnotation,
])

/** The metadata of a copy in a leaf: the root object's own, with our identity, and another name where that one is taken. Pure. */
export function copyMetadata({ metadata }: Stored<KubeObject>, rootClusterId: string, nameInLeaf = metadata.name) {
  const { name, namespace, labels, annotations, uid, resourceVersion } = metadata
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key))
  return {
    name: nameInLeaf,
    ...(namespace && { namespace }),
    labels: { ...labels, [rootClusterLabel]: rootClusterId },
    annotations: {
      ...Object.fromEntries(kept),
      [globalAnnotation]: 'true',
      [rootUidAnnotation]: uid,
      [rootResourceVersionAnnotation]: resourceVersion,
      ...(nameInLeaf !== name && { [rootNameAnnotation]: name }),
    },
  }
}

/**
 * Of an object that may be copied, which version of it there is: all that decides about its copy. The rest is read when it is
 * copied; an annotation of kubectl's quotes whole Secrets. Pure.
 */
export function versionOnly({ metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = { namespace: undefined, uid: undefined, ...metadata }
  return {
    metadata: {
      ...(name && { name }),
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
  }
}
