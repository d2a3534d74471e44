import { setRightAnnotation } from '@kosmos/api'
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

/**
 * A copy in place of one that somebody else wrote to. It says so, also to whoever wrote and finds it gone; and since that is news each
 * time, our write is one in any case, later than theirs, by which it is known after a restart.
 */
export function setRightBy(copy: KubeObject, by: string, at: Date): KubeObject {
  const { annotations } = copy.metadata ?? {}
  const note = `${at.toISOString()}: made as in the root again after ${by} had changed it`
  return { ...copy, metadata: { ...copy.metadata, annotations: { ...annotations, [setRightAnnotation]: note } } }
}
