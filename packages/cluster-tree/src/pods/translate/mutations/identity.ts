import {
  orphanLabel,
  patienceAnnotation,
  podLabel,
  restartsAnnotation,
  rootClusterLabel,
  rootGenerationAnnotation,
  rootMetadataAnnotation,
  rootResourceVersionAnnotation,
  rootUidAnnotation,
  tokenSecretAnnotation,
} from '@kosmos/api'
import { carriedMetadata } from '../../change/carried-metadata.ts'
import { carriedSpec } from '../../change/carried-spec.ts'
import type { PodMutation } from '../translation.ts'

/**
 * Marks the copy as ours: of this root cluster, of this incarnation of the root pod. A user's own values under these keys
 * never win, since what we may update and delete in a leaf is decided by them.
 */
export const stampIdentity: PodMutation = (translation, root, ctx) => {
  const { metadata } = translation.pod
  const { [orphanLabel]: _, ...carried } = metadata.labels
  const labels = { ...carried, [podLabel]: 'true', [rootClusterLabel]: ctx.rootClusterId }
  const annotations: Record<string, string> = { ...metadata.annotations, [rootUidAnnotation]: root.metadata.uid }
  annotations[rootMetadataAnnotation] = carriedMetadata(root)
  // By this a root that was restored from a snapshot is known not to remember the pod.
  annotations[rootResourceVersionAnnotation] = root.metadata.resourceVersion
  delete annotations[tokenSecretAnnotation]
  // Of earlier copies of this pod; what a root pod has of it, being a copy itself, counts for another root.
  delete annotations[restartsAnnotation]
  delete annotations[patienceAnnotation]
  // Which root spec the copy stands for, so that status.observedGeneration can be told in the root's numbers.
  annotations[rootGenerationAnnotation] = carriedSpec(root)
  return { ...translation, pod: { ...translation.pod, metadata: { ...metadata, labels, annotations } } }
}
