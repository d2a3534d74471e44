import { X509Certificate } from 'node:crypto'
import { loadKubeConfig, tokenLife } from '@kosmos/kube'

/** When the login of a kubeconfig ends, in milliseconds since the epoch; undefined if that cannot be seen in it. */
export function credentialsExpiry(kubeconfig: string): number | undefined {
  const user = loadKubeConfig({ text: kubeconfig }).getCurrentUser()
  if (user?.token) return tokenLife(user.token)?.expiresAt
  if (!user?.certData) return undefined
  try {
    return new X509Certificate(Buffer.from(user.certData, 'base64')).validToDate.getTime()
  } catch {
    return undefined
  }
}
