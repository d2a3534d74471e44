import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { customResourceDefinition, nodeConfigKind } from '@kosmos/api'
import {
  Client,
  Connection,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  leases,
  loadKubeConfig,
  nodes,
  resource,
  secrets,
  unwrap,
} from '@kosmos/kube'
import { serveHttp } from '@kosmos/kube/process'
import { askPort } from '@kosmos/kube/testing'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { Registry } from 'prom-client'
import { nodeConfigs } from '../../control/resources.ts'
import { renewWord } from '../status/word.ts'

const deploy = new URL('../../../../../deploy/', import.meta.url)
const agent = { namespace: 'kosmos-link', name: 'kosmos-link-agent' }

/** Where the kinds in our manifests live. */
const plurals: Readonly<Record<string, readonly [plural: string, scope: 'Namespaced' | 'Cluster']>> = {
  Namespace: ['namespaces', 'Cluster'],
  ServiceAccount: ['serviceaccounts', 'Namespaced'],
  ClusterRole: ['clusterroles', 'Cluster'],
  ClusterRoleBinding: ['clusterrolebindings', 'Cluster'],
  Role: ['roles', 'Namespaced'],
  RoleBinding: ['rolebindings', 'Namespaced'],
  ValidatingAdmissionPolicy: ['validatingadmissionpolicies', 'Cluster'],
  ValidatingAdmissionPolicyBinding: ['validatingadmissionpolicybindings', 'Cluster'],
}

describe('an agent in a linked cluster', () => {
  let cluster: ControlPlane
  let admin: Client
  const clients: Client[] = []

  const connect = async (kubeconfig: object | string, name: string) => {
    const text = typeof kubeconfig === 'string' ? kubeconfig : JSON.stringify(kubeconfig)
    const client = new Client(
      new Connection(name, await createTransport(loadKubeConfig({ text }))),
      'kosmos-link-agent',
    )
    clients.push(client)
    return client
  }
  const tokenOf = async (account: { namespace: string; name: string }, spec: object = {}) => {
    return unwrap(await admin.requestToken(account, spec))?.status.token ?? ''
  }
  /** As the kubelet gets a token for the agent's pod on a node: it names the node (KEP-4193). */
  const agentOn = async (node: string | undefined) => {
    const boundObjectRef = node === undefined ? undefined : { apiVersion: 'v1', kind: 'Node', name: node }
    const token = await tokenOf(agent, { expirationSeconds: 3600, ...(boundObjectRef && { boundObjectRef }) })
    const name = 'own'
    return await connect(
      {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          {
            name,
            cluster: {
              server: cluster.server,
              'certificate-authority-data': Buffer.from(cluster.ca ?? '').toString('base64'),
            },
          },
        ],
        users: [{ name, user: { token } }],
        contexts: [{ name, context: { cluster: name, user: name } }],
        'current-context': name,
      },
      `agent on ${node}`,
    )
  }
  const says = (client: Client, nodeConfig: string) =>
    client.patch(
      nodeConfigs,
      { name: nodeConfig },
      { status: { lastSyncTime: '2026-11-29T00:00:00Z' } },
      { type: 'merge', subresource: 'status' },
    )

  before(async () => {
    cluster = await startControlPlane({ name: 'leaf' })
    admin = await connect(await readFile(cluster.kubeconfig ?? '', 'utf8'), 'leaf')
    const definition = customResourceDefinition(nodeConfigKind) as unknown as KubeObject
    unwrap(await admin.apply(customResourceDefinitions, definition))
    for (const file of ['rbac/leaf-link.yaml', 'link-agent.yaml']) {
      const manifests = loadAll(await readFile(new URL(file, deploy), 'utf8')) as KubeObject[]
      for (const manifest of manifests.filter(({ kind }) => kind !== 'DaemonSet')) {
        const [plural, scope] = plurals[manifest.kind ?? ''] ?? []
        assert.ok(plural && scope, manifest.kind ?? '')
        const filled = JSON.parse(JSON.stringify(manifest).replaceAll('kosmos-<root>', 'kosmos-1')) as KubeObject
        unwrap(await admin.apply(resource(manifest.apiVersion ?? '', manifest.kind ?? '', plural, scope), filled))
      }
    }
    for (const name of ['n1', 'n2']) {
      unwrap(await admin.create(nodes, { metadata: { name } }))
      await eventually(async () => {
        const object = { metadata: { name: `leaf-${name}` }, spec: { nodeName: name } }
        return (await admin.create(nodeConfigs, object as KubeObject)).ok
      })
    }
    // Admission policies are taken up a moment after they are stored.
    const stranger = await agentOn(undefined)
    await eventually(async () => !(await says(stranger, 'leaf-n1')).ok)
  })
  after(async () => {
    await Promise.all(clients.map(({ connection }) => connection.close()))
    await cluster?.stop()
  })

  it('says how its own node is', async () => {
    assert.ok((await says(await agentOn('n1'), 'leaf-n1')).ok)
  })

  it('says nothing about another node, and without a node nothing at all', async () => {
    const [own, none] = [await agentOn('n1'), await agentOn(undefined)]
    for (const outcome of [await says(own, 'leaf-n2'), await says(none, 'leaf-n2')]) {
      assert.ok(!outcome.ok)
      assert.match(outcome.status.message ?? '', /an agent of ClusterLink writes the status of its own node only/)
    }
  })

  it('tells its metrics to pods that count, and neither to other agents nor to strangers', async () => {
    const client = await agentOn('n1')
    const at = { address: '127.0.0.1', port: 0, tls: undefined, log: () => {} }
    const http = await serveHttp({ ...at, client, registry: new Registry(), isReady: () => true })
    try {
      const ask = async (token?: string) => (await askPort(`${http.url}/metrics`, { token })).code
      const counter = await tokenOf({ ...agent, name: 'kosmos-link-counter' })
      assert.deepEqual([await ask(counter), await ask(await tokenOf(agent)), await ask()], [200, 403, 401])
    } finally {
      await http.close()
    }
  })

  it('renews the Lease of its own node, and no other', async () => {
    const own = await agentOn('n1')
    const beat = async (client: Client, node: string) => {
      const stored = await admin.get(nodeConfigs, { name: `leaf-${node}` })
      assert.ok(stored)
      await renewWord(client, stored, 20_000)
    }
    await eventually(async () => {
      await assert.rejects(beat(own, 'n2'), /an agent of ClusterLink renews the Lease of its own node only/)
      return true
    })
    await beat(own, 'n1')
    await beat(own, 'n1')
    const [lease, ...others] = await admin.listAll(leases, { namespace: 'kosmos-link' })
    assert.equal(others.length, 0)
    assert.deepEqual([lease?.metadata.name, lease?.spec?.leaseDurationSeconds], ['n1', 40])
    await assert.rejects(own.get(leases, { namespace: 'kosmos-link', name: 'n1' }), { code: 403 })
  })

  it('changes no NodeConfig, and reads nothing but NodeConfigs', async () => {
    const own = await agentOn('n1')
    const spec = { spec: { nodeName: 'n2' } }
    const outcome = await own.patch(nodeConfigs, { name: 'leaf-n1' }, spec, { type: 'merge' })
    assert.ok(!outcome.ok && outcome.reason === 'Forbidden')
    await assert.rejects(own.get(secrets, { namespace: 'kosmos-link', name: 'any' }), { code: 403 })
    await assert.rejects(own.get(nodes, { name: 'n1' }), { code: 403 })
  })
})

async function eventually(look: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await look().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('never')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
