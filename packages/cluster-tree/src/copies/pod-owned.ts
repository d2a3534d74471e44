import { type KubeObject, keyOf, type ObjectKey } from '@kosmos/kube'

export interface PodOwner {
  readonly key: ObjectKey
  readonly uid: string
}

/**
 * The pod in a leaf that an object of ours was made for and goes with: it holds what a kubelet would get for that pod alone. Undefined
 * for copies, which nothing owns. Pure.
 */
export function podOwnerOf({ metadata }: KubeObject): PodOwner | undefined {
  const owner = metadata?.ownerReferences?.find(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Pod')
  return owner && { key: keyOf({ metadata: { ...metadata, name: owner.name } }), uid: owner.uid }
}
