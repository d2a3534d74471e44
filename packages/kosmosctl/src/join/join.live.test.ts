import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Client, configMaps, namespaces, nodes, pods, type Resource, secrets, serviceAccounts } from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { leafAccountName } from '../clusters/names.ts'
import { clusterRoleBindings, clusterRoles, clusters } from '../clusters/resources.ts'
import {
  changesSince,
  inventory,
  recorded,
  startCluster,
  stopCluster,
  type TestCluster,
  unchanged,
} from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { type JoinOptions, JoinRefused, join, planJoin } from './join.ts'

let root: TestCluster
let leaf: TestCluster
let folder: string
let pristine: { root: string[]; leaf: string[] }

before(async () => {
  ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
  folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
  pristine = { root: await inventory(root.client), leaf: await inventory(leaf.client) }
})
after(async () => {
  await Promise.all([root, leaf].map((cluster) => cluster && stopCluster(cluster)))
  await rm(folder, { recursive: true, force: true })
})

const options = (differences: Partial<JoinOptions> = {}): JoinOptions => ({
  name: 'leaf1',
  root: root.source,
  leaf: leaf.source,
  timeoutSeconds: 0,
  ...differences,
})

/** The sentences with which a join is refused, or the one with which it fails. */
async function complaints(differences: Partial<JoinOptions>): Promise<string> {
  const error = await join(options(differences), silent).then(
    () => assert.fail('it joined'),
    (error: unknown) => error,
  )
  if (!(error instanceof JoinRefused)) return explain(error).message
  return error.findings.flatMap(({ verdict }) => (verdict.status === 'problem' ? [verdict.what] : [])).join('\n')
}

async function file(name: string, text: string): Promise<{ file: string }> {
  await writeFile(path.join(folder, name), text)
  return { file: path.join(folder, name) }
}

const kubeconfig = (server: string, user: object, cluster: object = {}) =>
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  })

const insecure = { 'insecure-skip-tls-verify': true }
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a join that cannot work', () => {
  it('is refused with the reason, and leaves nothing on either side', async () => {
    const { server, ca, adminToken } = leaf.plane
    const authority = { 'certificate-authority-data': base64(ca) }
    const cases: [Partial<JoinOptions>, RegExp][] = [
      [{ leaf: await file('broken', 'clusters: [') }, /broken is not a valid kubeconfig/],
      [{ leaf: { file: path.join(folder, 'absent') } }, /absent cannot be read: ENOENT/],
      [{ leaf: { ...leaf.source, context: 'nowhere' } }, /has no context "nowhere"; it has: leaf/],
      [{ name: 'Not_A_Name' }, /the name "Not_A_Name" is not an RFC 1123 subdomain/],
      [{ name: 'a'.repeat(60) }, /has 60 characters, at most 56 are possible/],
      [{ leaf: root.source }, /are the same cluster: the root cannot be its own leaf/],
      [
        { leaf: await file('refused', kubeconfig('https://127.0.0.1:9', { token: 'x' })) },
        /the leaf at https:\/\/127.0.0.1:9\/ cannot be reached from this machine: .*ECONNREFUSED/,
      ],
      [
        { leaf: await file('untrusted', kubeconfig(server, { token: adminToken })) },
        /the leaf at \S+ is not trusted: .*(self-signed|unable to verify|unable to get)/,
      ],
      [
        { leaf: await file('stranger', kubeconfig(server, { token: 'wrong' }, authority)) },
        /the leaf at \S+ does not accept the credentials \(401\)/,
      ],
      [
        { leaf: await file('skip', kubeconfig(server, { token: adminToken }, insecure)) },
        /the leaf's kubeconfig sets insecure-skip-tls-verify/,
      ],
      [{ installCrds: false }, /the root does not know the kind Cluster/],
    ]
    for (const [differences, sentence] of cases) assert.match(await complaints(differences), sentence)
    assert.deepEqual(await changesSince(pristine.root, root.client), unchanged)
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })

  it('is refused when the leaf is too old, with its version and the oldest possible', async () => {
    const old = await olderThanItIs(leaf, 'v1.27.4')
    try {
      const { port } = old.address() as AddressInfo
      const source = await file(
        'old',
        kubeconfig(`http://127.0.0.1:${port}`, { token: leaf.plane.adminToken }, insecure),
      )
      const sentence = /^the leaf runs Kubernetes v1.27.4, and 1.29.0 is the oldest that can be joined$/m
      assert.match(await complaints({ leaf: source }), sentence)
    } finally {
      old.close()
    }
  })

  it('is refused when the credentials lack rights, and says all that are missing', async () => {
    const namespace = 'default'
    await leaf.client.create(serviceAccounts, { metadata: { name: 'nobody', namespace } })
    const reader = { rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }] }
    await leaf.client.create(clusterRoles, { metadata: { name: 'reader' }, ...reader })
    await leaf.client.create(clusterRoleBindings, {
      metadata: { name: 'reader' },
      ...{
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'nobody', namespace }],
      },
    })
    const token = await leaf.client.createFor<{ status: { token: string } }>(
      serviceAccounts,
      { name: 'nobody', namespace },
      'token',
      {},
    )
    assert.ok(token.ok)
    const authority = { 'certificate-authority-data': base64(leaf.plane.ca) }
    const source = await file('nobody', kubeconfig(leaf.plane.server, { token: token.object.status.token }, authority))
    const what = await complaints({ leaf: source })
    assert.match(
      what,
      /the credentials may not create namespaces, get serviceaccounts in kosmos-system, .*create serviceaccounts\/token/,
    )
    await leaf.client.delete(clusterRoleBindings, { name: 'reader' })
    await leaf.client.delete(clusterRoles, { name: 'reader' })
    await leaf.client.delete(serviceAccounts, { name: 'nobody', namespace })
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })
})

describe('a join', () => {
  it('shows what it would create, without a token, and creates nothing', async () => {
    const plan = await planJoin(options(), silent)
    assert.deepEqual(
      plan.root.map(({ kind, metadata }) => `${kind} ${metadata?.name}`),
      [
        'CustomResourceDefinition clusters.kosmos.io',
        'Namespace kosmos-system',
        'Secret cluster-leaf1',
        'Cluster leaf1',
      ],
    )
    assert.match(JSON.stringify(plan.root), /<token of the account in the leaf>/)
    assert.deepEqual(await changesSince(pristine.root, root.client), unchanged)
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })

  it('creates exactly an account in the leaf, and a Secret and the Cluster in the root', async () => {
    const result = await join(options(), silent)
    const account = leafAccountName(await rootId())
    assert.equal(result.leaf.account, account)
    assert.deepEqual((await changesSince(pristine.leaf, leaf.client)).added, [
      `ClusterRole /${account}`,
      `ClusterRoleBinding /${account}`,
      'Namespace /kosmos-system',
      `Role kosmos-system/${account}`,
      `RoleBinding kosmos-system/${account}`,
      `ServiceAccount kosmos-system/${account}`,
    ])
    assert.deepEqual((await changesSince(pristine.root, root.client)).added, [
      'Cluster /leaf1',
      'CustomResourceDefinition /clusters.kosmos.io',
      'Namespace /kosmos-system',
      'Secret kosmos-system/cluster-leaf1',
    ])
  })

  it('can be run again, and only renews the credentials', async () => {
    const before = await Promise.all([uids(root.client), uids(leaf.client)])
    const kubeconfig = async () =>
      (await root.client.get(secrets, { namespace: 'kosmos-system', name: 'cluster-leaf1' }))?.data?.kubeconfig
    const old = await kubeconfig()
    await join(options(), silent)
    assert.deepEqual(await Promise.all([uids(root.client), uids(leaf.client)]), before)
    assert.notEqual(await kubeconfig(), old)
  })

  it('takes the life of the token that is asked for', async () => {
    const { credentialsExpire } = await join(options({ tokenTtlSeconds: 3600 }), silent)
    const left = Date.parse(credentialsExpire) - Date.now()
    assert.ok(left > 3_400_000 && left <= 3_610_000, `${left} ms`)
  })

  it('is refused for a name that is taken, and for a leaf that is joined already', async () => {
    assert.equal(await complaints({ name: 'other' }), 'the leaf is joined already, as "leaf1"')
    await root.client.create(clusters, { metadata: { name: 'taken' }, ...{ spec: {} } })
    assert.match(await complaints({ name: 'taken' }), /the name "taken" is taken by another cluster/)
    await root.client.delete(clusters, { name: 'taken' })
  })

  it('says that no controller is there when the virtual node does not come', async () => {
    assert.match(
      await complaints({ timeoutSeconds: 1 }),
      /Cluster "leaf1" is joined, but after 1 s its virtual node is not Ready: no controller has looked at the Cluster/,
    )
  })

  it('waits until the virtual node is Ready', async () => {
    const progress = recorded()
    const joined = join(options({ timeoutSeconds: 60 }), progress)
    const labels = { 'kosmos.io/node': 'true', 'kosmos.io/cluster': 'leaf1' }
    await root.client.create(nodes, { metadata: { name: 'kosmos-leaf1', labels } })
    const ready = { status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: '' }] } }
    await root.client.patch(nodes, { name: 'kosmos-leaf1' }, ready, { type: 'strategic', subresource: 'status' })
    assert.deepEqual((await joined).virtualNodes, ['kosmos-leaf1'])
    await root.client.delete(nodes, { name: 'kosmos-leaf1' })
  })

  it('leaves an object alone that has the name of its account and is not its own', async () => {
    const account = leafAccountName(await rootId())
    const role = await leaf.client.get(clusterRoles, { name: account })
    const label = (value: string | null) =>
      leaf.client.patch(
        clusterRoles,
        { name: account },
        { metadata: { labels: { 'kosmos.io/root-cluster': value } } },
        { type: 'merge' },
      )
    await label(null)
    assert.match(await complaints({}), /ClusterRole \S+ exists and was not made for this root/)
    await label(role?.metadata.labels?.['kosmos.io/root-cluster'] ?? '')
  })
})

describe('the account in the leaf', () => {
  let account: Client
  const namespace = 'app'

  before(async () => {
    const cluster = await root.client.get(clusters, { name: 'leaf1' })
    assert.ok(cluster)
    account = (await openLeaf(root.client, cluster)).client
  })
  after(async () => await account?.connection.close())

  it('can do what the controllers do', async () => {
    assert.ok((await account.create(namespaces, { metadata: { name: namespace } })).ok)
    const ref = { name: 'one', namespace }
    assert.ok((await account.create(configMaps, { metadata: ref })).ok)
    assert.ok((await account.apply(secrets, { metadata: ref })).ok)
    const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false }
    await serviceAccountOf(namespace)
    assert.ok((await account.create(pods, { metadata: ref, ...{ spec } })).ok)
    await account.listAll(nodes)
    await account.listAll(pods)
    for (const kind of [pods, configMaps, secrets]) {
      assert.ok((await account.delete(kind as Resource, ref, { gracePeriodSeconds: 0 })).ok)
    }
    assert.ok((await account.delete(namespaces, { name: namespace })).ok)
  })

  it('renews its own token, and gets no other', async () => {
    const token = (name: string, namespace: string) =>
      account.createFor(serviceAccounts, { name, namespace }, 'token', {
        metadata: {},
        ...{ spec: { expirationSeconds: 3600 } },
      })
    assert.ok((await token(leafAccountName(await rootId()), 'kosmos-system')).ok)
    const other = await token('default', 'kosmos-system')
    assert.ok(!other.ok && other.reason === 'Forbidden')
    const elsewhere = await token('default', 'kube-system')
    assert.ok(!elsewhere.ok && elsewhere.reason === 'Forbidden')
  })

  it('can do nothing else', async () => {
    const forbidden = async (work: Promise<{ ok: boolean; reason?: string }>) => {
      const outcome = await work
      assert.ok(!outcome.ok && outcome.reason === 'Forbidden', JSON.stringify(outcome))
    }
    const role = { metadata: { name: 'more' }, ...{ rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] } }
    await forbidden(account.create(clusterRoles, role))
    const own = { name: leafAccountName(await rootId()) }
    await forbidden(account.patch(clusterRoles, own, { rules: [] }, { type: 'merge' }))
    await forbidden(account.delete(clusterRoles, { name: 'cluster-admin' }))
    await forbidden(account.create(nodes, { metadata: { name: 'mine' } }))
    await forbidden(account.create(serviceAccounts, { metadata: { name: 'mine', namespace: 'default' } }))
    await forbidden(account.delete(serviceAccounts, { name: 'default', namespace: 'kosmos-system' }))
    await assert.rejects(account.get(serviceAccounts, { name: 'default', namespace: 'kosmos-system' }), /403/)
  })
})

async function rootId(): Promise<string> {
  return (await root.client.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? ''
}

async function uids(client: Client): Promise<Record<string, string>> {
  const found = await Promise.all([client.listAll(clusterRoles), client.listAll(namespaces), client.listAll(secrets)])
  return Object.fromEntries(
    found.flat().map(({ kind, metadata }) => [`${kind} ${metadata?.name}`, metadata?.uid ?? '']),
  )
}

async function serviceAccountOf(namespace: string): Promise<void> {
  const { client } = await openCluster('leaf', leaf.source)
  for (let tries = 0; tries < 100; tries++) {
    if (await client.get(serviceAccounts, { name: 'default', namespace })) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await client.connection.close()
}

/** The real API server, seen through a proxy that says something else of its version. */
async function olderThanItIs({ plane }: TestCluster, gitVersion: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const { url = '/', method, headers } = incoming
    if (url === '/version') {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ gitVersion }))
      return
    }
    const upstream = request(plane.server + url, { method, headers, ca: plane.ca }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
