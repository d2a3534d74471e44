import type { Pod, PodSpec } from '@kosmos/kube'
import {
  type CertificateSource,
  certificateId,
  certificateSecretName,
  credentialKeys,
} from '../../../certificates/wishes.ts'
import { bundleKey, trustConfigMapName } from '../../../trust/wishes.ts'
import { type LeafContext, type PodMutation, type Problem, withSpec } from '../translation.ts'
import { wantsLeafApi } from './leaf-api-access.ts'

type Volume = NonNullable<PodSpec['volumes']>[number]
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number]

/**
 * Gives a pod the trust of the root, and certificates of the root's signers: a kubelet asks its own cluster for bundles of trust
 * (KEP-3257) and certificates of pods (KEP-4317), and in the leaf the pod would believe whom the leaf believes, and be its account
 * `default`. Where the root has none to give, the pod is not made. One that asks for the leaf's API server has asked for the
 * leaf's.
 */
export const carryTrust: PodMutation = (translation, root, ctx) => {
  const { volumes = [] } = translation.pod.spec
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  if (wantsLeafApi(root) || !sources.some(isOfCluster)) return translation
  const carried = volumes.map((volume) => {
    const { sources } = volume.projected ?? {}
    if (!sources?.some(isOfCluster)) return volume
    return {
      ...volume,
      projected: { ...volume.projected, sources: sources.flatMap((from) => carry(from, volume.name, root, ctx)) },
    }
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
function carry(
  source: Source,
  volume: string,
  root: Pod,
  { trustBundles, podCertificates }: LeafContext,
): readonly Source[] {
  const { clusterTrustBundle, podCertificate } = source
  if (clusterTrustBundle) {
    const { name, signerName, labelSelector, optional, ...file } = clusterTrustBundle
    const items = [{ key: bundleKey(clusterTrustBundle), ...file }]
    return trustBundles ? [{ configMap: { name: trustConfigMapName(root), items } }] : []
  }
  if (podCertificate) return podCertificates ? [certificateFrom(podCertificate, volume, root)] : []
  return [source]
}

function certificateFrom(source: CertificateSource, volume: string, root: Pod): Source {
  const { credentialBundlePath, keyPath, certificateChainPath, ...rest } = source
  const { signerName, keyType, maxExpirationSeconds, userAnnotations, ...file } = rest
  const files = [
    [credentialKeys.bundle, credentialBundlePath],
    [credentialKeys.key, keyPath],
    [credentialKeys.chain, certificateChainPath],
  ] as const
  // As a kubelet does: the group of the pod reads it, and nobody else.
  const mode = root.spec.securityContext?.fsGroup === undefined ? {} : { mode: 0o600 }
  const items = files.flatMap(([key, path]) => (path ? [{ ...file, key, path, ...mode }] : []))
  return { secret: { name: certificateSecretName(root, certificateId(volume, source)), items } }
}

function problemOf(
  { podCertificate, clusterTrustBundle }: Source,
  { trustBundles, podCertificates }: LeafContext,
): Problem | undefined {
  if (podCertificate && !podCertificates) {
    const message = `the root serves no PodCertificateRequests (certificates.k8s.io/v1) to get the pod a certificate (signer ${podCertificate.signerName}), and the leaf would issue one for an account of its own. Use a Secret, or keep the pod off virtual nodes`
    return { reason: 'PodCertificateNotCarried', message }
  }
  if (clusterTrustBundle && !trustBundles && !clusterTrustBundle.optional) {
    const { name, signerName } = clusterTrustBundle
    const message = `the root serves no ClusterTrustBundles (certificates.k8s.io/v1 or v1beta1) to give the pod (${name ?? `signer ${signerName}`}), and the leaf would give it its own. Use a ConfigMap, or keep the pod off virtual nodes`
    return { reason: 'TrustBundleNotCarried', message }
  }
  return undefined
}
