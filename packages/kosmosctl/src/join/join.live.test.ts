import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClusterManifest } from '@kosmos/api'
import { type Client, configMaps, namespaces, nodes, pods, type Resource, secrets, serviceAccounts } from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { leafAccountName } from '../clusters/names.ts'
import { clusterRoles, clusters } from '../clusters/resources.ts'
import { definitions } from '../install/definitions.ts'
import { changesSince, recorded, rootAndLeaf, unchanged } from '../live.fixture.ts'
import { silent } from '../terminal/progress.ts'
import { join } from './join.ts'
import { joining } from './joining.fixture.ts'
import { type ModelChoice, parseGroup, parseNodeSelector } from './leaf-models.ts'
import { planJoin } from './plan.ts'

const { root, leaf, pristine } = rootAndLeaf()

const { options, complaints } = joining(root, leaf)

describe('a join', () => {
  it('shows what it would create, without a token, and creates nothing', async () => {
    const plan = await planJoin(options(), silent)
    assert.deepEqual(
      plan.root.map(({ kind, metadata }) => `${kind} ${metadata?.name}`),
      [
        ...definitions().map(({ metadata }) => `CustomResourceDefinition ${metadata?.name}`),
        'Namespace kosmos-system',
        'Secret cluster-leaf1',
        'Cluster leaf1',
      ],
    )
    assert.match(JSON.stringify(plan.root), /<token of the account in the leaf>/)
    assert.deepEqual(await changesSince(pristine.root, root.client), unchanged)
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })

  it('leaves a Secret alone that somebody else made under the name of its own', async () => {
    const ref = { name: 'cluster-theirs', namespace: 'kosmos-system' }
    await root.client.create(namespaces, { metadata: { name: 'kosmos-system' } })
    const secret = { metadata: ref, ...{ stringData: { kubeconfig: 'theirs' } } }
    await root.client.create(secrets, secret)
    assert.match(
      await complaints({ name: 'theirs' }),
      /Secret kosmos-system\/cluster-theirs exists and was not made by/,
    )
    const { data } = (await root.client.get(secrets, ref)) ?? {}
    assert.equal(Buffer.from(data?.kubeconfig ?? '', 'base64').toString(), 'theirs')
    await root.client.delete(secrets, ref)
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
      ...definitions()
        .map(({ metadata }) => `CustomResourceDefinition /${metadata?.name}`)
        .sort(),
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
    const left = Date.parse(credentialsExpire ?? '') - Date.now()
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

describe('the virtual nodes of a join', () => {
  const leafModelsOf = async () =>
    (await root.client.get(clusters, { name: 'leaf1' }))?.spec.clusterTreeOptions?.leafModels
  const one = (nodeName: string) => ({ nodeSelector: { nodeName } })
  const gpu: ModelChoice = { kind: 'group', groups: parseGroup('gpu=pool=gpu') }
  const everyNode: ModelChoice = { kind: 'node', selector: parseNodeSelector('') }
  const web: ModelChoice = { kind: 'node', selector: parseNodeSelector('pool=web') }

  before(async () => {
    await Promise.all(
      (['gpu', 'web'] as const).map((pool) =>
        leaf.client.create(nodes, { metadata: { name: `worker-${pool}`, labels: { pool } } }),
      ),
    )
  })

  it('are what is asked for, also when it is joined again', async () => {
    await join(options({ model: everyNode }), silent)
    assert.deepEqual(await leafModelsOf(), [one('worker-gpu'), one('worker-web')])
    await join(options({ model: gpu }), silent)
    const [group] = (await leafModelsOf()) ?? []
    assert.deepEqual(group?.nodeSelector?.labelSelector, { matchLabels: { pool: 'gpu' } })
    await join(options({ model: web }), silent)
    assert.deepEqual(await leafModelsOf(), [one('worker-web')])
  })

  it('stay as they are when nothing is said of them, whoever has chosen them', async () => {
    await join(options(), silent)
    assert.deepEqual(await leafModelsOf(), [one('worker-web')])
    const leafModels = [one('worker-gpu')]
    const patch = { spec: { clusterTreeOptions: { leafModels } } }
    assert.ok((await root.client.patch(clusters, { name: 'leaf1' }, patch, { type: 'merge' })).ok)
    await join(options(), silent)
    await join(options(), silent)
    assert.deepEqual(await leafModelsOf(), leafModels)
  })

  it('are shown and not changed by a dry run', async () => {
    const plan = await planJoin(options({ model: web }), silent)
    const cluster = plan.root.find(({ kind }) => kind === 'Cluster') as ClusterManifest | undefined
    assert.deepEqual(cluster?.spec.clusterTreeOptions?.leafModels, [one('worker-web')])
    assert.deepEqual(await leafModelsOf(), [one('worker-gpu')])
  })

  it('are waited for, each of them', async () => {
    const labels = { 'kosmos.io/node': 'true', 'kosmos.io/cluster': 'leaf1' }
    const ready = { status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: '' }] } }
    const become = async (name: string) => {
      await root.client.create(nodes, { metadata: { name, labels } })
      await root.client.patch(nodes, { name }, ready, { type: 'strategic', subresource: 'status' })
    }
    await become('worker-web')
    assert.match(
      await complaints({ model: everyNode, timeoutSeconds: 1 }),
      /after 1 s 1 of its 2 virtual nodes are not Ready/,
    )
    await become('worker-gpu')
    const { virtualNodes } = await join(options({ model: everyNode, timeoutSeconds: 60 }), silent)
    assert.deepEqual(virtualNodes, ['worker-gpu', 'worker-web'])
  })

  it('are one again when that is asked for, although somebody else said otherwise', async () => {
    const patch = { spec: { clusterTreeOptions: { leafModels: [one('worker-gpu')] } } }
    assert.ok((await root.client.patch(clusters, { name: 'leaf1' }, patch, { type: 'merge' })).ok)
    await join(options({ model: { kind: 'cluster' } }), silent)
    assert.deepEqual(await leafModelsOf(), [])
    for (const name of ['worker-gpu', 'worker-web']) await root.client.delete(nodes, { name })
  })

  it('are refused before anything is changed if they cannot be', async () => {
    await root.client.create(nodes, { metadata: { name: 'worker-gpu' } })
    assert.equal(await complaints({ model: everyNode }), 'the root has a node of the name worker-gpu already')
    await root.client.delete(nodes, { name: 'worker-gpu' })
    const none: ModelChoice = { kind: 'node', selector: parseNodeSelector('pool=none') }
    assert.equal(await complaints({ model: none }), 'the leaf has no node with the labels pool=none')
    assert.deepEqual(await leafModelsOf(), [])
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
  for (let tries = 0; tries < 600; tries++) {
    if (await client.get(serviceAccounts, { name: 'default', namespace })) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await client.connection.close()
}

describe('what a Cluster says of ClusterLink', () => {
  const said = async () => {
    const { clusterTreeOptions: tree, clusterLinkOptions: link } =
      (await root.client.get(clusters, { name: 'leaf1' }))?.spec ?? {}
    return [tree?.enable, link?.enable, link?.networkType, link?.tunnel]
  }

  it('stays as it is when the cluster is joined again and nothing, or less, is said of it', async () => {
    await join(options({ tree: false, link: { networkType: 'gateway', tunnel: 'wireguard' } }), silent)
    await join(options(), silent)
    assert.deepEqual(await said(), [false, true, 'gateway', 'wireguard'])
    await join(options({ tree: true, link: { tunnel: 'ipsec' } }), silent)
    assert.deepEqual(await said(), [true, true, 'gateway', 'ipsec'])
  })
})
