import { hash } from 'node:crypto'
import { globalAnnotation, rootClusterLabel, rootUidAnnotation, trustAnchorsAnnotation } from '@kosmos/api'
import type { KubeObject, Pod } from '@kosmos/kube'
import { isCopyOf } from '../pods/decide.ts'
import { isTerminal } from '../pods/status/status-patch.ts'
import { trustConfigMapName } from './wishes.ts'

/** What the ConfigMap of a pod holds, by key. */
export type TrustData = Readonly<Record<string, string>>

export interface TrustView {
  readonly root: Pod | undefined
  readonly leaf: Pod | undefined
  /** Undefined while the root lacks a bundle that the pod cannot do without. */
  readonly data: TrustData | undefined
  /** Metadata of the ConfigMap with the bundles, undefined if there is none. */
  readonly configMap: KubeObject | undefined
  /** Whether somebody else has written to it. */
  readonly contested?: boolean
}

export type TrustPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'replace'; readonly uid: string; readonly resourceVersion: string }

/**
 * What to do about the bundles of one pod. What it has it keeps when the root has it no more, as a kubelet leaves the files of a
 * running pod; the ConfigMap is owned by the pod in the leaf, and goes with it. Pure.
 */
export function planTrust({ root, leaf, data, configMap, contested = false }: TrustView): TrustPlan {
  if (!root || !leaf || !isCopyOf(leaf, root) || isTerminal(leaf.status) || !data) return { kind: 'none' }
  if (!configMap) return { kind: leaf.metadata.deletionTimestamp === undefined ? 'create' : 'none' }
  const { uid = '', resourceVersion = '', annotations, ownerReferences } = configMap.metadata ?? {}
  const isOfThisCopy = ownerReferences?.some((owner) => owner.uid === leaf.metadata.uid) ?? false
  const isCurrent = isOfThisCopy && annotations?.[trustAnchorsAnnotation] === hashOf(data)
  return isCurrent && !contested ? { kind: 'none' } : { kind: 'replace', uid, resourceVersion }
}

/** The ConfigMap that only this pod mounts. Pure. */
export function trustConfigMap(
  root: Pod,
  copy: Pick<Pod, 'metadata'>,
  rootClusterId: string,
  data: TrustData,
): KubeObject {
  const object = {
    metadata: {
      name: trustConfigMapName(root),
      namespace: root.metadata.namespace,
      labels: { [rootClusterLabel]: rootClusterId },
      annotations: {
        [globalAnnotation]: 'true',
        [rootUidAnnotation]: root.metadata.uid,
        [trustAnchorsAnnotation]: hashOf(data),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: copy.metadata.name, uid: copy.metadata.uid }],
    },
    data,
  }
  return object
}

function hashOf(data: TrustData): string {
  return hash('sha256', JSON.stringify(Object.entries(data).sort()))
}
