import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import type { Testbed } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

const rbac = path.resolve(import.meta.dirname, '../../deploy/rbac/clustertree.yaml')
const account = { namespace: 'kosmos-system', name: 'clustertree' } as const

/**
 * Gives cluster-tree the rights that its manifests write out, and no more, and returns the kubeconfig of its
 * ServiceAccount. What works here works in production.
 */
export async function rootCredentials({ root, dir }: Testbed): Promise<string> {
  const connection = new Connection(root.name, await createTransport(loadKubeConfig({ file: root.kubeconfig })))
  try {
    const client = new Client(connection, 'kosmos-testbed')
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: account.namespace } }
    for (const manifest of [namespace, ...(loadAll(await readFile(rbac, 'utf8')) as KubeObject[])]) {
      const outcome = await client.apply(resourceOf(manifest), manifest)
      if (!outcome.ok) throw new Error(`${manifest.kind} ${manifest.metadata?.name}: ${outcome.status.message}`)
    }
    const token = await client.createFor<{ status: { token: string } }>(serviceAccounts, account, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    } as KubeObject)
    if (!token.ok) throw new Error(`token of ${account.name}: ${token.status.message}`)
    const file = path.join(dir, 'root', 'pki', 'cluster-tree.kubeconfig')
    await writeFile(file, JSON.stringify(kubeconfig(root.server, root.ca, token.object.status.token)), { mode: 0o600 })
    return file
  } finally {
    await connection.close()
  }
}

function resourceOf({ apiVersion = 'v1', kind = '' }: KubeObject) {
  const cluster = ['Namespace', 'ClusterRole', 'ClusterRoleBinding'].includes(kind)
  return resource(apiVersion, kind, `${kind.toLowerCase()}s`, cluster ? 'Cluster' : 'Namespaced')
}

function kubeconfig(server: string, ca: string, token: string): object {
  const name = 'root'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}
