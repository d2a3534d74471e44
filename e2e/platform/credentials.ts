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
import type { Component } from './components.ts'

const deploy = path.resolve(import.meta.dirname, '../../deploy')
const manifests = async (name: string) =>
  loadAll(await readFile(path.join(deploy, name), 'utf8')) as readonly KubeObject[]

/** What runs it, which here are processes of the machine. */
const processes = ['Deployment', 'PodDisruptionBudget']

/**
 * Applies what its manifests say but for the process itself, so that a component has the rights that they write out, and no
 * more. Returns the kubeconfig of its ServiceAccount. What works here works in production.
 */
export async function rootCredentials({ root, dir }: Testbed, component: Component): Promise<string> {
  const connection = new Connection(root.name, await createTransport(loadKubeConfig({ file: root.kubeconfig })))
  try {
    const client = new Client(connection, 'kosmos-testbed')
    const all = (await Promise.all(component.manifests.map(manifests))).flat()
    for (const manifest of all.filter(({ kind = '' }) => !processes.includes(kind))) {
      const outcome = await client.apply(resourceOf(manifest), manifest)
      if (!outcome.ok) throw new Error(`${manifest.kind} ${manifest.metadata?.name}: ${outcome.status.message}`)
    }
    const account = { namespace: 'kosmos-system', name: component.account }
    const token = await client.createFor<{ status: { token: string } }>(serviceAccounts, account, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    } as KubeObject)
    if (!token.ok) throw new Error(`token of ${account.name}: ${token.status.message}`)
    const file = path.join(dir, 'root', 'pki', `${component.name}.kubeconfig`)
    await writeFile(file, JSON.stringify(kubeconfig(root.server, root.ca, token.object.status.token)), { mode: 0o600 })
    return file
  } finally {
    await connection.close()
  }
}

function resourceOf({ apiVersion = 'v1', kind = '' }: KubeObject) {
  const namespaced = ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind)
  const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies')
  return resource(apiVersion, kind, plural, namespaced ? 'Namespaced' : 'Cluster')
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
