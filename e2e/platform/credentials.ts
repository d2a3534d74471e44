import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isFor, servesAdmissionPolicies } from '@kosmos/kosmosctl'
import { Client, Connection, createTransport, type KubeObject, loadKubeConfig, resource } from '@kosmos/kube'
import type { Testbed } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import type { Component } from './components.ts'

const deploy = path.resolve(import.meta.dirname, '../../deploy')

/** Objects of a manifest below deploy/, in order. */
export const deployed = async (name: string): Promise<readonly KubeObject[]> =>
  loadAll(await readFile(path.join(deploy, name), 'utf8')) as readonly KubeObject[]

/** What runs it, which here are processes of the machine, and leads there. */
const processes = ['Deployment', 'PodDisruptionBudget', 'Service']

/**
 * Applies what its manifests say but for the process itself, so that a component has the rights that they write out, and no
 * more. Returns the kubeconfig of its ServiceAccount. What works here works in production.
 */
export async function rootCredentials(testbed: Testbed, component: Component): Promise<string> {
  return await onRoot(testbed, async (client) => {
    const all = (await Promise.all(component.manifests.map(deployed))).flat()
    const hasPolicies = await servesAdmissionPolicies(client)
    await applied(
      client,
      all.filter((manifest) => !processes.includes(manifest.kind ?? '') && isFor(hasPolicies, manifest)),
    )
    const { root, dir } = testbed
    const token = await tokenOf(client, component.account)
    const file = path.join(dir, 'root', 'pki', `${component.name}.kubeconfig`)
    await writeFile(file, JSON.stringify(kubeconfig(root.server, root.ca, token)), { mode: 0o600 })
    return file
  })
}

/** Works on the root as its administrator. */
export async function onRoot<T>({ root }: Testbed, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = new Connection(root.name, await createTransport(loadKubeConfig({ file: root.kubeconfig })))
  try {
    return await work(new Client(connection, 'kosmos-testbed'))
  } finally {
    await connection.close()
  }
}

/** Applies objects in order; throws with the first that is not stored. */
export async function applied(client: Client, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const outcome = await client.apply(resourceOf(object), object)
    if (!outcome.ok) throw new Error(`${object.kind} ${object.metadata?.name}: ${outcome.status.message}`)
  }
}

/** A token for a day of an account in kosmos-system. */
export async function tokenOf(client: Client, account: string): Promise<string> {
  const ref = { namespace: 'kosmos-system', name: account }
  const token = await client.requestToken(ref, { expirationSeconds: 24 * 3600 })
  if (!token.ok) throw new Error(`token of ${account}: ${token.status.message}`)
  return token.object.status.token
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
