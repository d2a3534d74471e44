import { configMaps, type Pod, type Resource, secrets } from '@kosmos/kube'
import { certificateSecretName, certificateWishes } from '../../certificates/wishes.ts'
import { tokenSecretName, tokenWishes } from '../../tokens/wishes.ts'
import { bundleWishes, trustConfigMapName } from '../../trust/wishes.ts'
import { wantsLeafApi } from '../translate/mutations/leaf-api-access.ts'

/** An object that is made in the leaf for one pod alone, with what a kubelet of the root would get for it. */
export interface Delivery {
  readonly kind: 'Tokens' | 'TrustBundles' | 'Certificate'
  readonly resource: Resource
  /** In the pod's namespace. */
  readonly name: string
}

/**
 * What is delivered to a pod when it is in a leaf. `hasApiAccess`: whether it reaches the root's API server from there; else its
 * copy is without tokens. Pure.
 */
export function deliveriesTo(pod: Pod, hasApiAccess: boolean): readonly Delivery[] {
  const { spec } = pod
  if (wantsLeafApi(pod)) return []
  const tokens: Delivery = { kind: 'Tokens', resource: secrets, name: tokenSecretName(pod) }
  const bundles: Delivery = { kind: 'TrustBundles', resource: configMaps, name: trustConfigMapName(pod) }
  return [
    ...(hasApiAccess && tokenWishes(spec).length > 0 ? [tokens] : []),
    ...(bundleWishes(spec).length > 0 ? [bundles] : []),
    ...certificateWishes(spec).map(
      ({ id }): Delivery => ({ kind: 'Certificate', resource: secrets, name: certificateSecretName(pod, id) }),
    ),
  ]
}
