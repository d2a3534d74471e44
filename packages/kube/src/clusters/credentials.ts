import { type Cluster, type ClusterConditionReason, systemNamespace } from '@kosmos/api'
import { KubeConfigError, loadKubeConfig } from '../connection/kubeconfig.ts'
import type { Secret } from '../objects/types.ts'

/** The kubeconfig of a Cluster, or why there is none. */
export type Credentials =
  | { readonly ok: true; readonly kubeconfig: string }
  | { readonly ok: false; readonly reason: ClusterConditionReason<'CredentialsValid'>; readonly detail?: string }

/** Where the credentials of a Cluster are kept; undefined if it does not say. */
export function credentialsRef(cluster: Pick<Cluster, 'spec'>) {
  const ref = cluster.spec.credentialsSecretRef
  return ref && { namespace: ref.namespace, name: ref.name, key: ref.key }
}

/**
 * Reads the kubeconfig out of the Secret that a Cluster names. Only Secrets of our own namespace are read: a Cluster must
 * not be a way to have us read any Secret of the root.
 */
export function readCredentials(
  cluster: Pick<Cluster, 'spec'>,
  secretOf: (namespace: string, name: string) => Secret | undefined,
): Credentials {
  const ref = credentialsRef(cluster)
  if (!ref) return { ok: false, reason: 'CredentialsMissing' }
  if (ref.namespace !== systemNamespace) {
    return { ok: false, reason: 'SecretNotFound', detail: `only Secrets in ${systemNamespace} are read` }
  }
  const secret = secretOf(ref.namespace, ref.name)
  if (!secret) return { ok: false, reason: 'SecretNotFound', detail: `${ref.namespace}/${ref.name}` }
  const value = secret.data?.[ref.key]
  if (!value)
    return { ok: false, reason: 'SecretKeyMissing', detail: `${ref.namespace}/${ref.name} has no key ${ref.key}` }
  const kubeconfig = Buffer.from(value, 'base64').toString('utf8')
  try {
    const config = loadKubeConfig({ text: kubeconfig, selfContained: true })
    if (config.getCurrentCluster()?.skipTLSVerify) {
      const detail = 'it sets insecure-skip-tls-verify; name the certificate authority of the leaf instead'
      return { ok: false, reason: 'KubeconfigInvalid', detail }
    }
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error
    return {
      ok: false,
      reason: error.selfContained ? 'KubeconfigInvalid' : 'KubeconfigNotSelfContained',
      detail: error.message,
    }
  }
  return { ok: true, kubeconfig }
}
