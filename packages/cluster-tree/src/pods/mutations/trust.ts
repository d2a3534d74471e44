import type { Pod, PodSpec } from '@kosmos/kube'
import { bundleKey, trustConfigMapName } from '../../trust/wishes.ts'
import { type LeafContext, type PodMutation, type Problem, withSpec } from '../translation.ts'
import { wantsLeafApi } from './leaf-api-access.ts'

type Source = NonNullable<NonNullable<NonNullable<PodSpec['volumes']>[number]['projected']>['sources']>[number]

/**
 * Gives a pod the trust of the root, and keeps it from getting the leaf's identity or trust for the root's: a kubelet asks its own
 * cluster for certificates of pods (KEP-4317) and bundles of trust (KEP-3257), and in the leaf the pod would be its account
 * `default`, and believe whom the leaf believes. A pod that asks for the leaf's API server has asked for the leaf's.
 */
export const carryTrust: PodMutation = (translation, root, ctx) => {
  const { volumes = [] } = translation.pod.spec
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  if (wantsLeafApi(root) || !sources.some(isOfCluster)) return translation
  const carried = volumes.map((volume) => {
    const { sources } = volume.projected ?? {}
    if (!sources?.some(isOfCluster)) return volume
    return { ...volume, projected: { ...volume.projected, sources: sources.flatMap((from) => carry(from, root, ctx)) } }
  })
  return {
    ...withSpec(translation, { ...translation.pod.spec, volumes: carried }),
    problems: [...translation.problems, ...sources.flatMap((source) => problemOf(source, ctx) ?? [])],
  }
}

function isOfCluster({ podCertificate, clusterTrustBundle }: Source): boolean {
  return podCertificate !== undefined || clusterTrustBundle !== undefined
}

/** The source as the leaf's kubelet can fill it, if it can. */
function carry(source: Source, root: Pod, { trustBundles }: LeafContext): readonly Source[] {
  const { clusterTrustBundle } = source
  if (!isOfCluster(source)) return [source]
  if (!clusterTrustBundle || !trustBundles) return []
  const items = [{ key: bundleKey(clusterTrustBundle), path: clusterTrustBundle.path }]
  return [{ configMap: { name: trustConfigMapName(root), items } }]
}

function problemOf({ podCertificate, clusterTrustBundle }: Source, { trustBundles }: LeafContext): Problem | undefined {
  if (podCertificate) {
    const message = `certificates of pods (signer ${podCertificate.signerName}) do not come along: the leaf would issue one for an account of its own. Use a Secret, or keep the pod off virtual nodes`
    return { reason: 'PodCertificateNotCarried', message }
  }
  if (clusterTrustBundle && !trustBundles && !clusterTrustBundle.optional) {
    const { name, signerName } = clusterTrustBundle
    const message = `the root serves no ClusterTrustBundles (certificates.k8s.io/v1 or v1beta1) to give the pod (${name ?? `signer ${signerName}`}), and the leaf would give it its own. Use a ConfigMap, or keep the pod off virtual nodes`
    return { reason: 'TrustBundleNotCarried', message }
  }
  return undefined
}
