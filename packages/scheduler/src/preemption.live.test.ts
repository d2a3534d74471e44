import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  nodes,
  type Pod,
  pods,
  resource,
  serviceAccounts,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { createKinds, mustCreate } from './admitting-root.fixture.ts'
import { Scheduler } from './scheduler.ts'

const priorityClasses = resource('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster')
const namespace = 'shop'

/** The real API server and kube-scheduler; nodes are there by name only, so that bound pods stay as they are. */
describe('a pod of high priority in a namespace that minds room', () => {
  let root: ControlPlane
  let client: Client
  let scheduling: Promise<void>
  const stop = new AbortController()
  const told: string[] = []

  const created = (kind: Parameters<Client['create']>[0], object: object) =>
    mustCreate(client, kind, object as KubeObject)
  const node = async (name: string, annotations: Record<string, string> = {}) => {
    const labels = annotations.leafNodeMode ? { 'kosmos.io/node': 'true' } : {}
    const amounts = { cpu: '4', memory: '8Gi', pods: '10' }
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'Test', message: '', lastHeartbeatTime: null, lastTransitionTime: null },
    ]
    await created(nodes, {
      metadata: { name, annotations, labels },
      status: { capacity: amounts, allocatable: amounts, conditions },
    })
    // Nobody else takes the taint away that every node comes with.
    await client.patch(nodes, { name }, { spec: { taints: null } }, { type: 'merge' })
  }
  const pod = async (name: string, cpu: number, spec: object = {}) => {
    const containers = [{ name: 'main', image: 'busybox', resources: { requests: { cpu: `${cpu}` } } }]
    const schedulingGates = [{ name: 'kosmos.io/placement' }]
    // Without a kubelet, only a pod without grace is gone when it is deleted.
    const common = {
      containers,
      schedulingGates,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
    }
    await created(pods, { metadata: { namespace, name }, spec: { ...common, ...spec } })
  }
  const eventually = async (what: string, look: (pod: Pod | undefined) => boolean, name: string) => {
    for (let i = 0; i < 600; i++) {
      const found = await client.get(pods, { namespace, name })
      if (look(found)) return found
      await sleep(100)
    }
    throw new Error(`never: ${what}; events: ${told.join('; ')}`)
  }
  const onNode = (name: string) => (pod: Pod | undefined) => pod?.spec.nodeName === name
  const high = { priorityClassName: 'high' }

  before(async () => {
    root = await startControlPlane({ name: 'preemption', components: ['etcd', 'kube-apiserver', 'kube-scheduler'] })
    client = new Client(
      new Connection('root', await createTransport(loadKubeConfig({ file: root.kubeconfig }))),
      'kosmos-test',
    )
    await createKinds(client)
    await created(namespaces, { metadata: { name: namespace, labels: { 'kosmos.io/placement': 'best-fit' } } })
    await created(serviceAccounts, { metadata: { namespace, name: 'default' } })
    await created(priorityClasses, { metadata: { name: 'high' }, value: 1000 })
    await created(priorityClasses, { metadata: { name: 'patient' }, value: 1000, preemptionPolicy: 'Never' })
    const record = (_: KubeObject, { reason, note }: { reason: string; note: string }) =>
      void told.push(`${reason}: ${note}`)
    const scheduler = new Scheduler({ root: client, takeBackAfterMs: 0, record, log: () => {} })
    scheduling = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await scheduling
    await client.connection.close()
    await root.stop()
  })

  it('has its place on a node of the root: kube-scheduler preempts a pod of lower priority for it', async () => {
    await node('worker')
    await pod('low', 3)
    await eventually('the first one is bound', onNode('worker'), 'low')
    await pod('patient', 3, { priorityClassName: 'patient' })
    await pod('equal', 3)
    await pod('urgent', 3, high)
    await eventually('it is bound', onNode('worker'), 'urgent')
    assert.equal(await client.get(pods, { namespace, name: 'low' }), undefined)
    for (const name of ['patient', 'equal']) {
      const waiting = await client.get(pods, { namespace, name })
      assert.equal(waiting?.spec.schedulingGates?.length, 1, `${name} waits at the gate`)
    }
    await client.delete(pods, { namespace, name: 'urgent' })
    await eventually('the one that preempts nobody comes next by its priority', onNode('worker'), 'patient')
  })

  it('has it on a virtual node that stands for one leaf node as well, and waits where one stands for several', async () => {
    const shapes = JSON.stringify([{ nodes: 1, free: { cpu: '1', memory: '8Gi', pods: '9' } }])
    const several = { leafNodeMode: 'one2cluster', 'kosmos.io/free-shapes': shapes }
    await node('kosmos-one', { leafNodeMode: 'one2one', 'kosmos.io/free-shapes': shapes })
    await node('kosmos-several', several)
    for (const name of ['kosmos-one', 'kosmos-several']) {
      // Bound by hand, and known to the virtual node, whose word includes it.
      const containers = [{ name: 'main', image: 'busybox', resources: { requests: { cpu: '3' } } }]
      const base = { nodeName: name, containers, terminationGracePeriodSeconds: 0, automountServiceAccountToken: false }
      await created(pods, { metadata: { namespace, name: `low-${name}` }, spec: base })
      await client.patch(
        pods,
        { namespace, name: `low-${name}` },
        { status: { phase: 'Running' } },
        { type: 'merge', subresource: 'status' },
      )
    }
    await pod('second', 3, { ...high, nodeSelector: { 'kosmos.io/node': 'true' } })
    await eventually('it is bound', onNode('kosmos-one'), 'second')
    assert.equal(await client.get(pods, { namespace, name: 'low-kosmos-one' }), undefined)
    await pod('third', 3, { ...high, nodeSelector: { 'kosmos.io/node': 'true' } })
    await eventually(
      'it says why it waits',
      () => told.some((text) => /^NoRoom: .*no single node has room/.test(text)),
      'third',
    )
    const third = await client.get(pods, { namespace, name: 'third' })
    assert.equal(third?.spec.schedulingGates?.length, 1)
    assert(await client.get(pods, { namespace, name: 'low-kosmos-several' }), 'nobody is preempted in vain')
  })
})
