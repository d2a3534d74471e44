import assert from 'node:assert/strict'
import { afterEach, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { clusterFinalizer } from '@kosmos/api'
import { nodeConfigs, serviceExports, serviceImports } from '@kosmos/cluster-link'
import {
  type Client,
  configMaps,
  customResourceDefinitions,
  endpointSlices,
  type KubeObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  pods,
  secrets,
  services,
} from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { clusterRoleBindings, clusterRoles, clusters, podDisruptionBudgets } from '../clusters/resources.ts'
import { definitions } from '../install/definitions.ts'
import { join } from '../join/join.ts'
import { changesSince, eventually, inventory, recorded, rootAndLeaf, unchanged } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { type Progress, silent } from '../terminal/progress.ts'
import { leaveNodes } from './leave-nodes.ts'
import { steps } from './left.ts'
import type { UnjoinOptions } from './options.ts'
import { planUnjoin } from './plan.ts'
import { removeCluster } from './remove-cluster.ts'
import { unjoin } from './unjoin.ts'

let rootId: string
const name = 'leaf1'
const node = 'kosmos-leaf1'
const namespace = 'app'

const { root, leaf, pristine } = rootAndLeaf(async ({ root }) => {
  rootId = (await root.client.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? ''
  await root.client.create(namespaces, { metadata: { name: namespace } })
})

const leave = (differences: Partial<UnjoinOptions> = {}, progress: Progress = recorded()) =>
  unjoin({ name, root: root.source, ...differences }, progress)

async function complaint(differences: Partial<UnjoinOptions>): Promise<{ message: string; next: string }> {
  const error = await leave(differences).then(
    () => assert.fail('it unjoined'),
    (error: unknown) => explain(error),
  )
  return { message: error.message, next: error.next ?? '' }
}

/** A joined leaf with a virtual node in the root, as the controllers make one. */
async function joined(): Promise<void> {
  await join({ name, root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
  const labels = { 'kosmos.io/node': 'true', 'kosmos.io/cluster': name }
  await root.client.create(nodes, { metadata: { name: node, labels } })
}

/** Work as somebody in the leaf who may read and change things of a kind of kosmos.io, and not delete them. */
async function asWhoMayNotDelete(plural: string, work: (client: Client) => Promise<void>): Promise<void> {
  const [apiGroup, user] = ['rbac.authorization.k8s.io', 'somebody']
  const metadata = { name: user }
  const rules = [{ apiGroups: ['kosmos.io'], resources: [plural], verbs: ['get', 'list', 'patch'] }]
  const roleRef = { apiGroup, kind: 'ClusterRole', name: user }
  const subjects = [{ apiGroup, kind: 'User', name: user }]
  await leaf.client.create(clusterRoles, { metadata, rules } as KubeObject)
  await leaf.client.create(clusterRoleBindings, { metadata, roleRef, subjects } as KubeObject)
  const { server, ca, adminToken } = leaf.plane
  const config = {
    clusters: [{ name: user, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: user, user: { token: adminToken, as: user } }],
    contexts: [{ name: user, context: { cluster: user, user } }],
  }
  const { client } = await openCluster('leaf', { text: JSON.stringify(config) })
  try {
    await eventually(() => client.listAll(nodeConfigs).then(Boolean, () => false), 'the rights are known')
    await work(client)
  } finally {
    await client.connection.close()
    for (const kind of [clusterRoleBindings, clusterRoles]) await leaf.client.delete(kind, { name: user })
  }
}

const own = (metadata: object): KubeObject => ({
  metadata: { ...metadata, labels: { 'kosmos.io/root-cluster': rootId } },
})

async function runOnVirtualNode(pod: string, labels: Record<string, string> = {}): Promise<void> {
  const spec = {
    nodeName: node,
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'c', image: 'i' }],
  }
  await eventually(async () => {
    const outcome = await root.client.create(pods, { metadata: { name: pod, namespace, labels }, ...{ spec } })
    return outcome.ok || outcome.reason === 'AlreadyExists'
  }, 'the pod is created')
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  await root.client.patch(pods, { name: pod, namespace }, { status }, { type: 'strategic', subresource: 'status' })
}

/** Does to pods that shall go what a kubelet does; there is none behind the node. */
function endPods(): { stop: () => Promise<void> } {
  let going = true
  const loop = (async () => {
    while (going) {
      for (const { metadata } of await root.client.listAll(pods, { namespace })) {
        if (metadata.deletionTimestamp) {
          const { uid } = metadata
          await root.client.delete(pods, { name: metadata.name, namespace }, { uid, gracePeriodSeconds: 0 })
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  return {
    stop: async () => {
      going = false
      await loop
    },
  }
}

/** Removes the virtual node, which is the controllers' to remove. */
async function removeNode(): Promise<void> {
  await root.client.delete(nodes, { name: node })
}

const kinds = [
  ...definitions()
    .map(({ metadata }) => `CustomResourceDefinition /${metadata?.name}`)
    .sort(),
  'Namespace /kosmos-system',
]
const leafIsAsBefore = () =>
  eventually(async () => {
    const { added, gone } = await changesSince(pristine.leaf, leaf.client)
    return added.length + gone.length === 0
  }, 'the leaf is as it was')

describe('an unjoin', () => {
  afterEach(removeNode)

  it('removes exactly what join made, on both sides', async () => {
    await joined()
    const { remains, podsGone } = await leave()
    assert.deepEqual({ remains, podsGone }, { remains: [], podsGone: 0 })
    await leafIsAsBefore()
    await removeNode()
    assert.deepEqual(await changesSince(pristine.root, root.client), { added: kinds, gone: [] })
  })

  it('may be followed by another join at once', async () => {
    await joined()
    await leave()
    await joined()
    await eventually(async () => {
      const namespace = await leaf.client.get(namespaces, { name: 'kosmos-system' })
      assert.ok(namespace, 'the namespace went although it is in use again')
      const account = `kosmos-${rootId.replaceAll('-', '').slice(0, 12)}`
      const [binding, role] = await Promise.all([
        leaf.client.get(clusterRoleBindings, { name: account }),
        leaf.client.get(clusterRoles, { name: account }),
      ])
      const owner = role?.metadata.ownerReferences?.map(({ uid }) => uid)
      return (
        namespace.metadata.ownerReferences === undefined &&
        namespace.metadata.deletionTimestamp === undefined &&
        owner?.length === 1 &&
        owner[0] === binding?.metadata.uid
      )
    }, 'only the new account is there')
    assert.deepEqual((await leave()).remains, [])
    await leafIsAsBefore()
  })

  it('of a linked leaf takes the kinds of shared Services that join made, and by no rights those of somebody else', async () => {
    const definition = { name: 'serviceexports.multicluster.x-k8s.io' }
    const linked = () => join({ name, root: root.source, leaf: leaf.source, link: {}, timeoutSeconds: 0 }, silent)
    const storedAs = async () => (await leaf.client.get(customResourceDefinitions, definition))?.metadata
    await linked()
    const first = await storedAs()
    assert.ok(first)
    await linked()
    assert.equal((await storedAs())?.resourceVersion, first.resourceVersion, 'twice is once')
    const ref = { namespace: 'default', name: 'web' }
    await eventually(async () => (await leaf.client.create(serviceExports, { metadata: ref })).ok, 'one is exported')
    const imported = { namespace: 'default', name: 'api', labels: { 'kosmos.io/imported-by': rootId } }
    const spec = { ports: [{ port: 80 }], type: 'ClusterSetIP' }
    await eventually(
      async () => (await leaf.client.create(serviceImports, { metadata: imported, ...{ spec } } as KubeObject)).ok,
      'one is imported',
    )
    // As a pod of the agents, which nobody makes here.
    const agent = { metadata: { namespace: 'kosmos-link', name: 'of-an-agent' } }
    assert.ok((await leaf.client.create(configMaps, agent)).ok)
    const plan = await planUnjoin({ name, root: root.source }, recorded())
    // A controller would have removed it.
    await leaf.client.delete(serviceImports, imported)
    const { remains } = await leave()
    assert.deepEqual(plan.remains, remains, 'it was said before')
    assert.deepEqual(plan.leaf?.slice(0, -1), [
      'ServiceImport default/api',
      'Namespace kosmos-link',
      'Namespace kosmos-system',
      'CustomResourceDefinition serviceimports.multicluster.x-k8s.io',
    ])
    assert.deepEqual(
      remains.map(({ what, why, command }) => [what, why, command]),
      [
        [
          `CustomResourceDefinition ${definition.name}`,
          'ServiceExport default/web is in it',
          `kubectl delete crd ${definition.name}`,
        ],
      ],
    )
    await leaf.client.delete(serviceExports, ref)
    await linked()
    const cluster = await root.client.get(clusters, { name })
    assert.ok(cluster)
    const account = (await openLeaf(root.client, cluster)).client
    // The rule holds a moment after it is stored.
    const foreign = { metadata: { namespace: 'default', name: 'foreign' }, spec: { ports: [{ port: 80 }] } }
    await eventually(async () => {
      const outcome = await account.create(services, foreign as KubeObject)
      if (outcome.ok) await leaf.client.delete(services, foreign.metadata)
      return !outcome.ok
    }, 'the account is kept to what carries its id')
    await leaf.client.patch(
      customResourceDefinitions,
      definition,
      { metadata: { labels: { 'kosmos.io/root-cluster': null } } },
      { type: 'merge' },
    )
    const outcome = await account.delete(customResourceDefinitions, definition)
    assert.match(outcome.ok ? '' : (outcome.status.message ?? ''), /writes what carries the id of the root only/)
    await account.connection.close()
    assert.deepEqual((await leave()).remains, [])
    assert.ok(await storedAs(), 'it is not ours any more')
    await leaf.client.delete(customResourceDefinitions, definition)
    await leafIsAsBefore()
  })

  it('of a linked leaf has agents take away what they have made before they go, by force, and names those that do not say so', async () => {
    await join({ name, root: root.source, leaf: leaf.source, link: {}, timeoutSeconds: 0 }, silent)
    const labels = { 'kosmos.io/cluster': name, 'kosmos.io/root-cluster': rootId }
    const device = {
      name: 'vx-bridge',
      type: 'vxlan',
      id: 54,
      port: 4876,
      addr: '220.0.2.1/32',
      mac: '02:00:00:00:00:01',
    }
    const devices = [{ ...device, local: '192.0.2.1', mtu: 1450 }]
    const wanted = (nodeName: string) =>
      ({ metadata: { name: `${name}-${nodeName}`, labels }, spec: { nodeName, devices } }) as unknown as KubeObject
    /** Says as an agent does that it has applied what it read. */
    const say = async (node: string) => {
      const ref = { name: `${name}-${node}` }
      const stored = await leaf.client.get(nodeConfigs, ref)
      if (!stored) return undefined
      const status = { observedGeneration: stored.metadata.generation }
      await leaf.client.patch(nodeConfigs, ref, { status }, { type: 'merge', subresource: 'status' })
      return stored.spec.devices === undefined
    }
    const plan = (node: string) =>
      eventually(async () => (await leaf.client.create(nodeConfigs, wanted(node))).ok, `${node} is planned`)
    await plan('is-gone')
    await say('is-gone')
    await asWhoMayNotDelete('nodeconfigs', (client) =>
      assert.rejects(leaveNodes(client, name, rootId, Date.now()), {
        message: /^leaf: NodeConfig leaf1-is-gone was not deleted: .*forbidden/,
      }),
    )
    const [left, ...others] = await leaveNodes(leaf.client, name, rootId, Date.now())
    assert.match(left?.what ?? '', /^devices, routes and rules of ClusterLink on node is-gone, until it is restarted$/)
    const byHand =
      /^kubectl debug node\/is-gone --profile=sysadmin --image=\S+\/kosmos-link-agent:\S+ -- node .* --remove /
    assert.match(left?.command ?? '', byHand)
    assert.deepEqual(others, [])

    for (const node of ['answers', 'never-was']) await plan(node)
    await say('answers')
    const leaving = leave({ force: true })
    await eventually(
      () => say('answers').then((isEmptied) => isEmptied ?? assert.fail('nobody asked it')),
      'it is asked',
    )
    const agents = await leaf.client.get(namespaces, { name: 'kosmos-link' })
    assert.ok(agents && !agents.metadata.deletionTimestamp, 'agents are there while they are waited for')
    assert.deepEqual((await leaving).remains, [])
    await leafIsAsBefore()
  })

  it('cordons the node, evicts its pods and waits for them', async () => {
    await joined()
    await runOnVirtualNode('one')
    await runOnVirtualNode('two')
    const progress = recorded()
    const leaving = leave({}, progress)
    await eventually(async () => progress.notes.includes('2 pods left'), 'both are waited for')
    const kubelet = endPods()
    const { podsGone } = await leaving
    await kubelet.stop()
    assert.equal(podsGone, 2)
    assert.equal((await root.client.get(nodes, { name: node }))?.spec?.unschedulable, true)
    assert.deepEqual(await root.client.listAll(pods, { namespace }), [])
  })

  it('keeps to PodDisruptionBudgets until its time is over, and can be run again by force', async () => {
    await joined()
    await runOnVirtualNode('guarded', { app: 'guarded' })
    const budget = { spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } }
    await root.client.create(podDisruptionBudgets, { metadata: { name: 'guarded', namespace }, ...budget })
    const kubelet = endPods()
    // A busy machine takes some of it before the first pod is asked to go.
    const { message, next } = await complaint({ timeoutSeconds: 10 })
    assert.match(
      message,
      /node kosmos-leaf1 still has 1 pod: app\/guarded \(app\/guarded is held by a PodDisruptionBudget\)/,
    )
    assert.match(next, /--force .*kubectl uncordon kosmos-leaf1/)
    assert.ok(await root.client.get(pods, { name: 'guarded', namespace }))
    assert.ok(await root.client.get(clusters, { name }))

    const { podsGone } = await leave({ force: true })
    await kubelet.stop()
    assert.equal(podsGone, 1)
    assert.equal(await root.client.get(pods, { name: 'guarded', namespace }), undefined)
    assert.equal(await root.client.get(nodes, { name: node }), undefined)
    await root.client.delete(podDisruptionBudgets, { name: 'guarded', namespace })
    await leafIsAsBefore()
  })

  it('lets namespaces stay in which somebody else has something, and says what', async () => {
    await joined()
    for (const made of ['team-a', 'team-b']) await leaf.client.create(namespaces, own({ name: made }))
    await leaf.client.create(configMaps, { metadata: { name: 'theirs', namespace: 'team-a' } })
    await leaf.client.create(configMaps, own({ name: 'ours', namespace: 'team-b' }))
    await leaf.client.create(secrets, { metadata: { name: 'theirs', namespace: 'kosmos-system' } })
    const { remains } = await leave()
    assert.deepEqual(remains.map(({ what, why }) => `${what}: ${why}`).sort(), [
      'Namespace kosmos-system: Secret kosmos-system/theirs is in it and was not made for this root',
      'Namespace team-a: ConfigMap team-a/theirs is in it and was not made for this root',
    ])
    const theirs = [
      'ConfigMap team-a/theirs',
      'Namespace /kosmos-system',
      'Namespace /team-a',
      'Secret kosmos-system/theirs',
    ]
    await eventually(
      async () => isDeepStrictEqual((await changesSince(pristine.leaf, leaf.client)).added, theirs),
      'the empty one goes, and what the account owned',
    )
    for (const made of ['team-a', 'kosmos-system']) await leaf.client.delete(namespaces, { name: made })
    await leafIsAsBefore()
  })

  it('leaves claims in the leaf with their data, and says where', async () => {
    await joined()
    await leaf.client.create(namespaces, own({ name: 'team-c' }))
    await leaf.client.create(configMaps, own({ name: 'ours', namespace: 'team-c' }))
    const ref = { name: 'data', namespace: 'team-c' }
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } }
    await leaf.client.create(persistentVolumeClaims, { ...own(ref), spec } as KubeObject)
    const elsewhere = { name: 'data', namespace: 'default' }
    await leaf.client.create(persistentVolumeClaims, { ...own(elsewhere), spec } as KubeObject)
    const plan = await planUnjoin({ name, root: root.source }, recorded())
    assert.deepEqual(
      plan.leaf?.filter((one) => /team-c|Claim/.test(one)),
      ['ConfigMap team-c/ours'],
    )
    const { remains } = await leave({ force: true })
    assert.deepEqual(plan.remains, remains)
    assert.deepEqual(
      remains.map(({ what, why, command }) => `${what}: ${why}: ${command}`),
      [
        'Namespace team-c: PersistentVolumeClaim team-c/data is in it, with its data: kubectl delete namespace team-c',
        'PersistentVolumeClaim default/data: it has its data: kubectl delete persistentvolumeclaim -n default data',
      ],
    )
    await leaf.client.patch(persistentVolumeClaims, elsewhere, { metadata: { finalizers: null } }, { type: 'merge' })
    await leaf.client.delete(persistentVolumeClaims, elsewhere)
    const claim = await leaf.client.get(persistentVolumeClaims, ref)
    assert.ok(claim && !claim.metadata.deletionTimestamp)
    const namespace = await leaf.client.get(namespaces, { name: 'team-c' })
    assert.equal(namespace?.metadata.deletionTimestamp, undefined)
    await leaf.client.patch(persistentVolumeClaims, ref, { metadata: { finalizers: null } }, { type: 'merge' })
    await leaf.client.delete(persistentVolumeClaims, ref)
    await leaf.client.delete(namespaces, { name: 'team-c' })
    await leafIsAsBefore()
  })

  it('lets a namespace stay when its account may not see all that could be in it; an administrator may', async () => {
    const group = 'test.example'
    const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }
    const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' }
    const definition = { spec: { group, scope: 'Namespaced', names, versions: [version] } }
    const name = `things.${group}`
    await leaf.client.create(customResourceDefinitions, { metadata: { name }, ...definition })
    await eventually(
      async () => (await inventory(leaf.client)).includes(`CustomResourceDefinition /${name}`),
      'the kind',
    )
    await eventually(() => leaf.client.raw(`/apis/${group}/v1`).then(Boolean, () => false), 'the kind is served')
    await joined()
    const { remains } = await leave()
    assert.match(remains[0]?.why ?? '', /may not see whether things.test.example are in it \(--leaf-kubeconfig/)

    await joined()
    assert.deepEqual((await leave({ leaf: leaf.source })).remains, [])
    await leaf.client.delete(customResourceDefinitions, { name })
    await eventually(
      () =>
        inventory(leaf.client).then(
          (all) => !all.includes(`CustomResourceDefinition /${name}`),
          () => false,
        ),
      'the kind goes',
    )
    await leafIsAsBefore()
  })

  it('shows what it would do, and does not do it', async () => {
    await joined()
    await runOnVirtualNode('shown')
    await leaf.client.create(configMaps, own({ name: 'copy', namespace: 'default' }))
    const api = { ...own({ name: 'api', namespace: 'default' }), spec: { ports: [{ port: 80 }] } }
    await leaf.client.create(services, api as KubeObject)
    const before = await Promise.all([inventory(root.client), inventory(leaf.client)])
    const plan = await planUnjoin({ name, root: root.source }, recorded())
    assert.deepEqual(plan.evicted, ['app/shown'])
    assert.deepEqual(plan.root, ['Node kosmos-leaf1', 'Cluster leaf1', 'Secret kosmos-system/cluster-leaf1'])
    assert.deepEqual(plan.leaf?.slice(0, 3), [
      'Service default/api',
      'ConfigMap default/copy',
      'Namespace kosmos-system',
    ])
    assert.deepEqual(await Promise.all([inventory(root.client), inventory(leaf.client)]), before)
    await leave({ force: true, timeoutSeconds: 20 })
    await leafIsAsBefore()
  })

  it('refuses a Cluster that join did not make, and one that does not exist', async () => {
    await root.client.create(clusters, { metadata: { name: 'by-hand' }, ...{ spec: {} } })
    const { message } = await complaint({ name: 'by-hand', force: true })
    assert.equal(message, 'Cluster "by-hand" was not made by kosmosctl join, so unjoin does not touch it')
    assert.deepEqual(await complaint({ name: 'nobody' }), {
      message: 'there is no Cluster "nobody"',
      next: 'there are: by-hand',
    })
    await root.client.delete(clusters, { name: 'by-hand' })
  })

  it('of a leaf that somebody names wrongly is refused, also by force', async () => {
    await joined()
    const other = await complaint({ leaf: root.source, force: true })
    assert.match(other.message, /^https:\S+ is another cluster than the one that was joined$/)
    assert.match(other.next, /kubeconfig of the leaf "leaf1" by --leaf-kubeconfig/)
    const { message } = await complaint({ leaf: { file: '/does/not/exist' }, force: true })
    assert.match(message, /^\/does\/not\/exist cannot be read/)
    assert.ok(await root.client.get(clusters, { name }), 'nothing was changed')
    assert.deepEqual((await leave()).remains, [])
    await leafIsAsBefore()
  })

  it('finishes what was left half-way when it is run again', async () => {
    await joined()
    await root.client.delete(clusters, { name })
    await leave()
    await leafIsAsBefore()
    assert.equal(await root.client.get(secrets, { namespace: 'kosmos-system', name: `cluster-${name}` }), undefined)
  })

  it('waits for the controllers, and by force does their work', async () => {
    await joined()
    const finalizers = { metadata: { finalizers: [clusterFinalizer] } }
    await root.client.patch(clusters, { name }, finalizers, { type: 'merge' })
    await leaf.client.create(configMaps, own({ name: 'copy', namespace: 'default' }))
    const imported = { namespace: 'default', name: 'clusterset-web', labels: { 'kosmos.io/imported-by': rootId } }
    const derived = { metadata: imported, spec: { ports: [{ port: 80 }] } }
    assert.ok((await leaf.client.create(services, derived as KubeObject)).ok)
    const copied = { ...own({ name: 'api', namespace: 'default' }), spec: { ports: [{ port: 80 }] } }
    assert.ok((await leaf.client.create(services, copied as KubeObject)).ok)
    const slice = { ...own({ name: 'api-by-hand', namespace: 'default' }), addressType: 'IPv4', endpoints: [] }
    assert.ok((await leaf.client.create(endpointSlices, slice as KubeObject)).ok)
    const { message, next } = await complaint({ timeoutSeconds: 2 })
    assert.match(message, /Cluster "leaf1" is still there: no controller has removed what it brought about/)
    assert.match(next, /unjoin leaf1 --force/)
    await leave({ force: true, timeoutSeconds: 20 })
    assert.equal(await root.client.get(clusters, { name }), undefined)
    assert.equal(await root.client.get(nodes, { name: node }), undefined)
    await leafIsAsBefore()
  })
})

describe('an unjoin whose Cluster somebody has removed and joined anew meanwhile', () => {
  const leafGone = { force: true, leafGone: true, deadline: 0, note: () => {} }
  const stored = async () => {
    const made = { metadata: { name: 'again', finalizers: [clusterFinalizer] }, spec: {} }
    const outcome = await root.client.create(clusters, made)
    assert.ok(outcome.ok, JSON.stringify(outcome))
    return outcome.object
  }
  before(async () => {
    // Leaves the kinds of kosmos.io behind.
    await joined()
    await leave()
    await removeNode()
  })

  it('says so, and touches neither the new one nor what that has in the leaf', async () => {
    const before = await stored()
    await removeCluster(root.client, before, leafGone)
    const anew = await stored()
    assert.notEqual(anew.metadata.uid, before.metadata.uid)
    await assert.rejects(removeCluster(root.client, before, leafGone), /"again" was joined anew meanwhile/)
    assert.deepEqual((await root.client.get(clusters, { name: 'again' }))?.metadata.uid, anew.metadata.uid)
    await removeCluster(root.client, anew, leafGone)
  })
})

describe('an unjoin whose leaf hangs in the middle', () => {
  it('ends in time, says in which step, and goes on when it is run again', async () => {
    await joined()
    const progress = recorded()
    const hangs: Progress = {
      ...progress,
      step: async (title, work) => {
        if (title === steps.leave) await leaf.plane.pause('kube-apiserver')
        return await progress.step(title, work)
      },
    }
    const error = await leave({ timeoutSeconds: 5 }, hangs).then(
      () => assert.fail('it unjoined'),
      (error: unknown) => explain(error),
    )
    await leaf.plane.resume('kube-apiserver')
    assert.equal(
      error.message,
      '"leaf1" was not unjoined in the 5 s that there were, it was removing what is ours in the leaf',
    )
    assert.match(error.next ?? '', /kosmosctl unjoin leaf1 goes on where it stopped/)
    assert.deepEqual((await leave()).remains, [])
    await leafIsAsBefore()
    await removeNode()
  })
})

describe('an unjoin by force of a root that hangs', () => {
  it('ends in time, says in which step, and goes on when it is run again', async () => {
    await joined()
    await runOnVirtualNode('one')
    const progress = recorded()
    const hangs: Progress = {
      ...progress,
      step: async (title, work) => {
        if (title === steps.deletePods) await root.plane.pause('kube-apiserver')
        return await progress.step(title, work)
      },
    }
    const error = await leave({ force: true, timeoutSeconds: 10 }, hangs).then(
      () => assert.fail('it unjoined'),
      (error: unknown) => explain(error),
    )
    await root.plane.resume('kube-apiserver')
    assert.match(error.message, /^"leaf1" was not unjoined in the 10 s that there were, it was deleting its pods$/)
    assert.match(error.next ?? '', /kosmosctl unjoin leaf1 --force goes on where it stopped/)
    const { podsGone, remains } = await leave({ force: true, timeoutSeconds: 20 })
    assert.deepEqual({ podsGone, remains }, { podsGone: 1, remains: [] })
    await leafIsAsBefore()
  })
})

describe('an unjoin of a leaf that is gone', () => {
  it('by force waits a quarter of its time for a leaf that hangs', async () => {
    await joined()
    await leaf.plane.pause('kube-apiserver')
    const { remains } = await leave({ force: true, timeoutSeconds: 8 })
    await leaf.plane.resume('kube-apiserver')
    assert.match(remains[0]?.why ?? '', /^leaf: no answer from https:\S+ in the 2 s that it had$/)
    assert.equal(await root.client.get(clusters, { name }), undefined)
    await joined()
    assert.deepEqual((await leave({ leaf: leaf.source })).remains, [])
    await removeNode()
    await leafIsAsBefore()
  })

  it('is refused before anything is changed, and by force ends in time and says what remains', async () => {
    await joined()
    await root.client.patch(clusters, { name }, { metadata: { finalizers: [clusterFinalizer] } }, { type: 'merge' })
    await runOnVirtualNode('lost')
    await leaf.plane.kill('kube-apiserver')

    const { message, next } = await complaint({})
    assert.match(message, /the leaf "leaf1" cannot be asked to give up what is ours: .*ECONNREFUSED/)
    assert.match(next, /--force/)
    assert.notEqual((await root.client.get(nodes, { name: node }))?.spec?.unschedulable, true)

    const { remains, podsGone } = await leave({ force: true })
    assert.equal(podsGone, 1)
    assert.deepEqual(
      remains.map(({ what }) => what),
      [
        'pods, Services, ConfigMaps and Secrets of the root',
        'claims of the root, with their data',
        'what stands for Services of other clusters, if it was linked',
        'what agents of ClusterLink have made on nodes, if it was linked: they take it away when nothing is asked of them, before they go themselves',
        `account kosmos-${rootId.replaceAll('-', '').slice(0, 12)} and its rights`,
        'namespaces that were made for the root (look first whether something else is in them)',
      ],
    )
    for (const { command } of remains) assert.match(command, /^kubectl /)
    assert.deepEqual(await changesSince(pristine.root, root.client), { ...unchanged, added: kinds })
  })
})
