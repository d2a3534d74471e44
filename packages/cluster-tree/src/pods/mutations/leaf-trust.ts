import type { PodSpec } from '@kosmos/kube'
import { type PodMutation, type Problem, withSpec } from '../translation.ts'
import { wantsLeafApi } from './leaf-api-access.ts'

type Source = NonNullable<NonNullable<NonNullable<PodSpec['volumes']>[number]['projected']>['sources']>[number]

/**
 * Keeps a pod from getting the leaf's identity or trust for the root's: a kubelet asks its own cluster for certificates of pods
 * (KEP-4317) and bundles of trust (KEP-3257), and in the leaf the pod would be its account `default`, and believe whom the leaf
 * believes. A bundle that the pod can do without is left out. A pod that asks for the leaf's API server has asked for the leaf's.
 */
export const refuseLeafTrust: PodMutation = (translation, root) => {
  const { volumes = [] } = translation.pod.spec
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  if (wantsLeafApi(root) || !sources.some(isOfCluster)) return translation
  const problems = sources.flatMap((source) => problemOf(source) ?? [])
  const without = volumes.map((volume) => {
    const kept = volume.projected?.sources?.filter((source) => !isOfCluster(source))
    return kept ? { ...volume, projected: { ...volume.projected, sources: kept } } : volume
  })
  return {
    ...withSpec(translation, { ...translation.pod.spec, volumes: without }),
    problems: [...translation.problems, ...problems],
  }
}

function isOfCluster({ podCertificate, clusterTrustBundle }: Source): boolean {
  return podCertificate !== undefined || clusterTrustBundle !== undefined
}

function problemOf({ podCertificate, clusterTrustBundle }: Source): Problem | undefined {
  if (podCertificate) {
    const message = `certificates of pods (signer ${podCertificate.signerName}) do not come along: the leaf would issue one for an account of its own. Use a Secret, or keep the pod off virtual nodes`
    return { reason: 'PodCertificateNotCarried', message }
  }
  if (clusterTrustBundle && !clusterTrustBundle.optional) {
    const { name, signerName } = clusterTrustBundle
    const message = `ClusterTrustBundles (${name ?? `signer ${signerName}`}) do not come along: the leaf would give the pod its own. Use a ConfigMap, or keep the pod off virtual nodes`
    return { reason: 'TrustBundleNotCarried', message }
  }
  return undefined
}
