import { dump } from 'js-yaml'
import type { Credential } from './authority.ts'

export interface KubeconfigInput {
  /** Names the cluster, the user and the context. */
  readonly name: string
  readonly server: string
  /** PEM. */
  readonly ca: string
  readonly user: Credential | { readonly token: string }
}

/** A self-contained kubeconfig (everything inline), as YAML. */
export function kubeconfig({ name, server, ca, user }: KubeconfigInput): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name,
        user:
          'token' in user
            ? { token: user.token }
            : { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}
