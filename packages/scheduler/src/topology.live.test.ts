import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { placementGate } from '@kosmos/api'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  nodes,
  type Pod,
  persistentVolumeClaims,
  pods,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { createKinds, mustCreate } from './admitting-root.fixture.ts'
import { policyLike } from './pods.fixture.ts'
import { workloadPolicies } from './policies/resource.ts'
import { Scheduler } from './scheduler.ts'

const persistentVolumes = resource('v1', 'PersistentVolume', 'persistentvolumes', 'Cluster')
const zone = 'topology.kubernetes.io/zone'
const cluster = 'kosmos.io/cluster'
const namespace = 'shop'

/** The real API server and kube-scheduler; one leaf is twenty times as large as each of the others. */
describe('pods of a namespace that minds room, in leaves of two zones', () => {
  let root: ControlPlane
  let client: Client
  let scheduling: Promise<void>
  const stop = new AbortController()
  const created = (kind: Parameters<Client['create']>[0], object: object) =>
    mustCreate(client, kind, object as KubeObject)
  const leaf = async (name: string, inZone: string, cpu: number) => {
    const labels = { [cluster]: name, [zone]: inZone, 'kosmos.io/node': 'true' }
    const amounts = { cpu: `${cpu}`, memory: '80Gi', pods: '100' }
    const annotations = { 'kosmos.io/free-shapes': JSON.stringify([{ nodes: 1, free: amounts }]) }
    const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
    const conditions = [{ ...condition, lastHeartbeatTime: null, lastTransitionTime: null }]
    const status = { capacity: amounts, allocatable: amounts, conditions }
    await created(nodes, { metadata: { name: `kosmos-${name}`, labels, annotations }, status })
    // Nobody else takes the taint away that every node comes with.
    await client.patch(nodes, { name: `kosmos-${name}` }, { spec: { taints: null } }, { type: 'merge' })
  }
  const createPods = async (app: string, count: number, spec: object = {}) => {
    const containers = [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '100m' } } }]
    const schedulingGates = [{ name: placementGate }]
    const common = { containers, schedulingGates, automountServiceAccountToken: false }
    const metadata = { namespace, labels: { app } }
    for (let i = 0; i < count; i++) {
      await created(pods, { metadata: { ...metadata, name: `${app}-${i}` }, spec: { ...common, ...spec } })
    }
  }
  /** How many are in which leaf, when as many are bound; those that are not are told apart. */
  const counts = async (app: string, bound: number) => {
    for (;;) {
      const found = await client.listAll(pods, { namespace, labelSelector: `app=${app}` })
      const there = found.flatMap(({ spec }) => spec.nodeName ?? [])
      const where = Object.groupBy(there, (name) => name.replace('kosmos-', ''))
      if (there.length >= bound) return Object.fromEntries(Object.entries(where).map(([at, all]) => [at, all?.length]))
      await sleep(50)
    }
  }

  before(async () => {
    root = await startControlPlane({ name: 'topology', components: ['etcd', 'kube-apiserver', 'kube-scheduler'] })
    const transport = await createTransport(loadKubeConfig({ file: root.kubeconfig }))
    client = new Client(new Connection('root', transport), 'kosmos-test')
    await createKinds(client)
    await created(namespaces, { metadata: { name: namespace, labels: { 'kosmos.io/placement': 'best-fit' } } })
    await created(serviceAccounts, { metadata: { namespace, name: 'default' } })
    await leaf('big', 'a', 80)
    await leaf('small1', 'a', 4)
    await leaf('small2', 'b', 4)
    await leaf('small3', 'b', 4)
    const scheduler = new Scheduler({ root: client, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    scheduling = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await scheduling
    await client.connection.close()
    await root.stop()
  })

  const share = async (app: string, topologyKey: string, weights: Record<string, number>) => {
    const allocationPolicy = Object.entries(weights).map(([name, weight]) => ({ name, weight }))
    const spec = { allocationPolicy, topologyKey, labelSelector: { matchLabels: { app } }, allocationType: 'Required' }
    const { metadata: _, ...policy } = policyLike(spec as Parameters<typeof policyLike>[0])
    await created(workloadPolicies, { ...policy, metadata: { namespace, name: app } })
  }

  it('are spread as the policy says, however large one of the leaves is', async () => {
    await share('even', cluster, { big: 1, small1: 1, small2: 1, small3: 1 })
    await createPods('even', 8)
    assert.deepEqual(await counts('even', 8), { big: 2, small1: 2, small2: 2, small3: 2 })
  })

  for (const [what, key, weights] of [
    ['zones', zone, { a: 1, b: 3 }],
    ['nodes', 'kubernetes.io/hostname', { 'kosmos-small1': 1, 'kosmos-small3': 3 }],
  ] as const) {
    it(`have shares of ${what}`, async () => {
      const names = ['big', 'small1', 'small2', 'small3'].map((name) => `kosmos-${name}`)
      for (const name of names) {
        await client.patch(
          nodes,
          { name },
          { metadata: { labels: { 'kubernetes.io/hostname': name } } },
          { type: 'merge' },
        )
      }
      await share(`by-${what}`, key, weights)
      await createPods(`by-${what}`, 8)
      const found = await counts(`by-${what}`, 8)
      const sum = (...leaves: string[]) => leaves.reduce((all, name) => all + (found[name] ?? 0), 0)
      const wanted = what === 'zones' ? [sum('big', 'small1'), sum('small2', 'small3')] : [sum('small1'), sum('small3')]
      assert.deepEqual(wanted, [2, 6])
    })
  }

  const labelSelector = { matchLabels: { app: 'apart' } }
  it('are in one leaf each by anti-affinity, which the stock scheduler judges', async () => {
    const required = [{ topologyKey: cluster, labelSelector }]
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
    await createPods('apart', 4, { affinity })
    assert.deepEqual(await counts('apart', 4), { big: 1, small1: 1, small2: 1, small3: 1 })
  })

  it('are spread evenly over leaves by their own constraint', async () => {
    const spread = { maxSkew: 1, topologyKey: cluster, whenUnsatisfiable: 'DoNotSchedule' }
    const selector = { labelSelector: { matchLabels: { app: 'skew' } } }
    await createPods('skew', 8, { topologySpreadConstraints: [{ ...spread, ...selector }] })
    assert.deepEqual(await counts('skew', 8), { big: 2, small1: 2, small2: 2, small3: 2 })
  })

  it('follow their claim to the leaf where the volume is', async () => {
    const values = ['small3']
    const term = { matchExpressions: [{ key: cluster, operator: 'In', values }] }
    const storage = { accessModes: ['ReadWriteOnce'], storageClassName: 'leaf' }
    const claim = (await created(persistentVolumeClaims, {
      metadata: { namespace, name: 'data', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
      spec: { ...storage, volumeName: 'data', resources: { requests: { storage: '1Gi' } } },
    })) as Pod
    await created(persistentVolumes, {
      metadata: { name: 'data' },
      spec: {
        ...storage,
        capacity: { storage: '1Gi' },
        claimRef: { namespace, name: 'data', uid: claim.metadata.uid },
        nodeAffinity: { required: { nodeSelectorTerms: [term] } },
        hostPath: { path: '/data' },
      },
    })
    const bound = { status: { phase: 'Bound' } }
    await client.patch(persistentVolumeClaims, { namespace, name: 'data' }, bound, {
      type: 'merge',
      subresource: 'status',
    })
    await createPods('db', 1, { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] })
    assert.deepEqual(await counts('db', 1), { small3: 1 })
  })
})
