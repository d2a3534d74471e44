/** Kubeconfigs and tokens for tests, and who asks a port. */
export { askPort } from './ask.ts'
export { listeningPorts } from './listening.ts'

export interface KubeconfigParts {
  readonly server?: string
  readonly cluster?: object
  readonly user?: object
  /** Further users, which the current context does not log in as. */
  readonly others?: readonly { readonly name: string; readonly user: object }[]
}

/** A kubeconfig whose current context logs in as `kosmos`, which is its last user. */
export function kubeconfig(parts: KubeconfigParts = {}): string {
  const { server = 'https://leaf.example:6443', cluster, user = { token: 'secret-token' }, others = [] } = parts
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'leaf', cluster: { server, ...cluster } }],
    users: [...others, { name: 'kosmos', user }],
    contexts: [{ name: 'leaf', context: { cluster: 'leaf', user: 'kosmos' } }],
    'current-context': 'leaf',
  })
}

/** A token that claims this; nobody has signed it. */
export function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.signature`
}

/** A ServiceAccount's token; times in seconds since the epoch. */
export function accountToken(iat: number, exp: number, namespace = 'kosmos-system', name = 'kosmos-root'): string {
  return token({ iat, exp, 'kubernetes.io': { namespace, serviceaccount: { name, uid: 'u' } } })
}
