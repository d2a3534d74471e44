import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Authority, type Credential, createAuthority, createSigningKeys } from './authority.ts'
import { kubeconfig } from './kubeconfig.ts'

/** Files of a cluster's public-key infrastructure, as absolute paths. Private keys are readable by their owner only. */
export interface ClusterPki {
  readonly dir: string
  readonly caFile: string
  /** PEM of `caFile`. */
  readonly ca: string
  /** Bearer token of a cluster administrator, for clients that cannot present a certificate (the fault proxy). */
  readonly adminToken: string
  file(name: string): string
}

export interface PkiInput {
  readonly cluster: string
  readonly server: string
  /** Where etcd and the API server listen. */
  readonly addresses: readonly string[]
  /** First address of the service range: `kubernetes.default`. */
  readonly serviceAddress: string
  readonly dir: string
}

/** Who talks to the API server, by the file that their kubeconfig gets. */
const users: Readonly<Record<string, { commonName: string; organizations?: readonly string[] }>> = {
  admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
  'kube-scheduler': { commonName: 'system:kube-scheduler' },
  kwok: { commonName: 'kwok', organizations: ['system:masters'] },
}

/** Writes everything a control plane needs: CA, front-proxy CA, certificates, service-account keys, kubeconfigs. */
export async function createClusterPki(input: PkiInput): Promise<ClusterPki> {
  const { dir } = input
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = (name: string): string => path.join(dir, name)
  const write = (name: string, text: string): void => writeFileSync(file(name), text, { mode: 0o600 })
  const writeCredential = (name: string, { certificate, key }: Credential): void => {
    write(`${name}.crt`, certificate)
    write(`${name}.key`, key)
  }

  const authority = await createAuthority(`${input.cluster}-ca`)
  const frontProxy = await createAuthority(`${input.cluster}-front-proxy-ca`)
  writeCredential('ca', authority)
  writeCredential('front-proxy-ca', frontProxy)
  writeCredential('front-proxy-client', await frontProxy.issue({ commonName: 'front-proxy-client', client: true }))
  for (const [name, credential] of await serverCredentials(authority, input)) writeCredential(name, credential)
  writeCredential(
    'kubelet-client',
    await authority.issue({
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      client: true,
    }),
  )
  const signing = createSigningKeys()
  write('service-accounts.key', signing.privateKey)
  write('service-accounts.pub', signing.publicKey)

  const adminToken = randomBytes(24).toString('base64url')
  write('tokens.csv', `${adminToken},kubernetes-admin,kubernetes-admin,system:masters\n`)
  for (const [name, subject] of Object.entries(users)) {
    const user = await authority.issue({ ...subject, client: true })
    write(
      `${name}.kubeconfig`,
      kubeconfig({ name: input.cluster, server: input.server, ca: authority.certificate, user }),
    )
  }
  return { dir, caFile: file('ca.crt'), ca: authority.certificate, adminToken, file }
}

async function serverCredentials(authority: Authority, input: PkiInput): Promise<[string, Credential][]> {
  const local = ['localhost', '127.0.0.1', ...input.addresses]
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  return [
    [
      'kube-apiserver',
      await authority.issue({ commonName: 'kube-apiserver', hosts: [...local, ...service, input.serviceAddress] }),
    ],
    ['etcd', await authority.issue({ commonName: 'etcd', hosts: local, client: true })],
    ['apiserver-etcd-client', await authority.issue({ commonName: 'kube-apiserver-etcd-client', client: true })],
    ['control-plane', await authority.issue({ commonName: 'control-plane', hosts: local })],
  ]
}
