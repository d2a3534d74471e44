import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  type Pod,
  type PodSpec,
  type PodStatus,
  pods,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import fc from 'fast-check'
import { endedStatus, vanishedStatus } from './disruption/failure.ts'
import { ctx, leafStatus, nodeName, patched, rootStatus } from './fixture.ts'
import { reflect } from './status/reflect.ts'
import type { StatusPatch } from './status/status-patch.ts'
import { translate } from './translate/translate.ts'
import { waitingStatus } from './waiting/waiting.ts'

const namespace = 'shop'
const priorityClasses = resource('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster')
const runtimeClasses = resource('node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses', 'Cluster')

/** A cluster that knows the namespace, with an administrator. */
async function startCluster(name: string) {
  const controlPlane = await startControlPlane({ name })
  const connection = new Connection(name, await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig })))
  const client = new Client(connection, 'kosmos-test')
  await client.create(namespaces, { metadata: { name: namespace } })
  await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
  return { controlPlane, connection, client }
}

type Cluster = Awaited<ReturnType<typeof startCluster>>

async function end(cluster: { connection: Connection; controlPlane: ControlPlane } | undefined): Promise<void> {
  await cluster?.connection.close()
  await cluster?.controlPlane.stop()
}

describe('root and leaf on real API servers', () => {
  let root: Cluster
  let leaf: Cluster
  let count = 0

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'builder' } })
    await root.client.create(priorityClasses, { metadata: { name: 'gold' }, value: 1000 } as KubeObject)
    const kata = { metadata: { name: 'kata' }, handler: 'kata', overhead: { podFixed: { cpu: '250m' } } } as KubeObject
    await root.client.create(runtimeClasses, kata)
    await leaf.client.create(runtimeClasses, { metadata: { name: 'kata' }, handler: 'kata' } as KubeObject)
  })
  after(async () => {
    await Promise.all([end(root), end(leaf)])
  })

  async function create(client: Client, spec: Partial<PodSpec>, labels: Readonly<Record<string, string>> = {}) {
    const metadata = { namespace, name: `web-${count++}`, labels }
    const containers = [{ name: 'main', image: 'nginx' }]
    const created = await client.create(pods, { metadata, spec: { containers, ...spec } } as KubeObject)
    return unwrap(created) ?? assert.fail()
  }

  async function setStatus(client: Client, pod: Pod, status: PodStatus): Promise<Pod> {
    const { qosClass } = pod.status ?? {}
    const { resourceVersion, ...metadata } = pod.metadata
    const next = { ...pod, metadata, status: { ...status, ...(qosClass && { qosClass }) } } as KubeObject
    return unwrap(await client.replace(pods, next, { subresource: 'status' })) ?? assert.fail()
  }

  const write = async (pod: Pod, patch: StatusPatch) =>
    await root.client.patch(pods, pod.metadata, patch, { type: 'strategic', subresource: 'status' })

  const labelSelector = { matchLabels: { app: 'web' } }
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector, matchLabelKeys: ['pod-template-hash'] }
  const specs: Readonly<Record<string, Partial<PodSpec>>> = {
    'nothing special': {},
    'a service account of the root': { serviceAccountName: 'builder' },
    'a priority class of the root': { priorityClassName: 'gold' },
    'a runtime whose overhead differs in the leaf': { runtimeClassName: 'kata' },
    'label keys that the root has merged into selectors': {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
      topologySpreadConstraints: [{ ...term, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', minDomains: 2 }],
    },
    'two spread constraints that soften into one': {
      topologySpreadConstraints: ['DoNotSchedule', 'ScheduleAnyway'].map((whenUnsatisfiable) => ({
        topologyKey: 'kubernetes.io/hostname',
        labelSelector,
        maxSkew: 1,
        whenUnsatisfiable,
      })),
    },
    'the downward API': {
      containers: [
        {
          name: 'main',
          image: 'nginx',
          env: ['metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.podIP'].map((fieldPath, i) => ({
            name: `V${i}`,
            valueFrom: { fieldRef: { fieldPath } },
          })),
        },
      ],
      volumes: [{ name: 'info', downwardAPI: { items: [{ path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } }] } }],
    },
  }
  for (const [what, spec] of Object.entries(specs)) {
    it(`a pod with ${what} is accepted by the leaf`, async () => {
      const bound = await create(root.client, { ...spec, nodeName }, { app: 'web', 'pod-template-hash': 'x' })
      const { pod, problems } = translate(bound, ctx)
      assert.deepEqual(problems, [])
      const created = await leaf.client.create(pods, pod)
      assert.ok(created.ok, JSON.stringify(created))
      assert.equal(created.object.spec.volumes?.some(({ projected }) => projected) ?? false, false)
    })
  }

  it('any leaf status is in the root after one write, and the write is what we think it is', async () => {
    await fc.assert(
      fc.asyncProperty(rootStatus, leafStatus, async (ofRoot, ofLeaf) => {
        const there = await create(root.client, { nodeName })
        const copy = unwrap(await leaf.client.create(pods, translate(there, ctx).pod)) ?? assert.fail()
        const rootPod = await setStatus(root.client, there, ofRoot)
        const leafPod = await setStatus(leaf.client, copy, ofLeaf)
        const patch = reflect(rootPod, leafPod)
        if (patch === undefined) return
        const written = await write(rootPod, patch)
        assert.ok(written.ok, JSON.stringify(written))
        assert.equal(reflect(written.object, leafPod), undefined)
        assert.deepEqual(normal(written.object.status), normal(patched(rootPod, patch).status))
      }),
      { numRuns: 60 },
    )
  })

  it('a status for another incarnation is refused', async () => {
    const there = await create(root.client, { nodeName })
    const patch = waitingStatus(there, { reason: 'NameTakenInLeaf', message: 'no' }) ?? assert.fail()
    const refused = await write(there, { ...patch, metadata: { uid: 'another' } })
    assert.equal(refused.ok ? 'accepted' : refused.reason, 'OtherIncarnation')
  })

  for (const [what, patchFor] of [
    ['waits', (pod: Pod) => waitingStatus(pod, { reason: 'NameTakenInLeaf', message: 'no' })],
    ['vanished', (pod: Pod) => vanishedStatus(pod, Date.now())],
    ['ended', (pod: Pod) => endedStatus(pod, Date.now())],
  ] as const) {
    it(`the status of a pod that ${what} is accepted whatever it was before, and written once`, async () => {
      const initContainers = [{ name: 'init', image: 'busybox' }]
      await fc.assert(
        fc.asyncProperty(rootStatus, async (before) => {
          const there = await create(root.client, { nodeName, initContainers })
          const pod = await setStatus(root.client, there, before)
          const patch = patchFor(pod)
          if (patch === undefined) return
          const written = await write(pod, patch)
          assert.ok(written.ok, JSON.stringify(written))
          assert.equal(patchFor(written.object), undefined)
          assert.deepEqual(normal(written.object.status), normal(patched(pod, patch).status))
        }),
        { numRuns: 20 },
      )
    })
  }
})

/** A status without what the API server fills in: nulls, and the order of conditions. */
function normal(status: PodStatus | undefined): unknown {
  const conditions = [...(status?.conditions ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1))
  return JSON.parse(JSON.stringify({ ...status, conditions }, (_, value) => value ?? undefined))
}
