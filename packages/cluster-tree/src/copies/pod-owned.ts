import type { KubeObject, ObjectKey } from '@kosmos/kube'

/**
 * The pod in a leaf that an object of ours was made for and goes with: it holds what a kubelet would get for that pod alone. Undefined
 * for copies, which nothing owns. Pure.
 */
export function podOwnerOf({ metadata }: KubeObject): ObjectKey | undefined {
  const owner = metadata?.ownerReferences?.find(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Pod')
  return owner && `${metadata?.namespace}/${owner.name}`
}
