import { bestFit, placementLabel } from '@kosmos/api'
import { type Client, type KubeObject, keyOf, namespaces, type ObjectKey } from '@kosmos/kube'
import { CLUSTER } from '../distributions/distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from '../distributions/resource.ts'
import { workloadPolicies } from '../policies/resource.ts'
import type { PlacementState } from './state.ts'

type Metadata = NonNullable<KubeObject['metadata']>

/**
 * Whether the API server has something that may place pods of a namespace, and that is not known yet: each kind has a watch of its own,
 * and a pod may be told of before the policy that has held it at the gate.
 */
export async function hasUnheard(root: Client, state: PlacementState, namespace: string): Promise<boolean> {
  const metadataOnly = true
  const [policies, own, clusterWide, minding] = await Promise.all([
    root.listAll<KubeObject>(workloadPolicies, { namespace, metadataOnly }),
    root.listAll<KubeObject>(distributionPolicies, { namespace, metadataOnly }),
    root.listAll<KubeObject>(clusterDistributionPolicies, { metadataOnly }),
    root.listAll(namespaces, {
      labelSelector: `${placementLabel}=${bestFit}`,
      fieldSelector: `metadata.name=${namespace}`,
      metadataOnly,
    }),
  ])
  const inScope = (scope: string) =>
    new Map(Array.from(state.distributions.in(scope), ({ stored }) => [keyOf(stored), stored.metadata]))
  const [ofNamespace, ofCluster] = [inScope(namespace), inScope(CLUSTER)]
  return (
    (minding.length > 0 && !state.bestFit.knows(namespace)) ||
    policies.some((one) => isNews(one, (key) => state.policies.get(key)?.stored.metadata)) ||
    own.some((one) => isNews(one, (key) => ofNamespace.get(key))) ||
    clusterWide.some((one) => isNews(one, (key) => ofCluster.get(key)))
  )
}

function isNews({ metadata }: KubeObject, known: (key: ObjectKey) => Metadata | undefined): boolean {
  const { uid, generation = 0 } = known(keyOf({ metadata } as KubeObject)) ?? {}
  return uid !== metadata?.uid || generation < (metadata?.generation ?? 0)
}
