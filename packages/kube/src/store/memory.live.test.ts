import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { unwrap } from '../client/outcome.ts'
import { liveCluster } from '../live.fixture.ts'
import { pods, serviceAccounts } from '../objects/resources.ts'
import type { Pod } from '../objects/types.ts'
import { parseWatchEvent } from '../watch/event.ts'
import { createLineSplitter } from '../watch/lines.ts'
import { Store, type StoreOptions } from './store.ts'

const COUNT = 10_000

describe(`${COUNT} pods in a store`, { timeout: 120_000 }, () => {
  const cluster = liveCluster()
  let template = ''
  before(async () => {
    template = JSON.stringify(await runningPod())
  })

  /** A pod of a Deployment as the API server shows it once it runs: defaults, token volume, status, managedFields. */
  async function runningPod(): Promise<Pod> {
    const namespace = await cluster.namespace('memory')
    const client = await cluster.client()
    const kubelet = await cluster.client('kubelet')
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace } })
    const container = {
      name: 'web',
      image: 'registry.example/shop/web:1.2.3',
      env: [{ name: 'MODE', value: 'production' }],
      ports: [{ containerPort: 8080 }],
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
      readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
    }
    const labels = { app: 'web', 'pod-template-hash': '5d8c7f6b9' }
    const metadata = { name: 'web-0', namespace, labels }
    unwrap(await client.create(pods, { metadata, spec: { nodeName: 'node-000', containers: [container] } } as never))
    const startedAt = '2026-01-01T00:00:00Z'
    const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
    const status = {
      phase: 'Running',
      hostIP: '10.0.0.1',
      podIP: '10.1.0.1',
      podIPs: [{ ip: '10.1.0.1' }],
      startTime: startedAt,
      conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: startedAt })),
      containerStatuses: [
        {
          name: 'web',
          ready: true,
          started: true,
          restartCount: 0,
          image: container.image,
          imageID: `registry.example/shop/web@sha256:${'0'.repeat(64)}`,
          containerID: `containerd://${'0'.repeat(64)}`,
          state: { running: { startedAt } },
        },
      ],
    }
    const ref = { namespace, name: 'web-0' }
    const pod = unwrap(await kubelet.patch(pods, ref, { status }, { type: 'strategic', subresource: 'status' }))
    assert.ok(pod?.metadata.managedFields && pod.status?.phase === 'Running')
    return pod
  }

  /** MiB of heap that the store holds, filled by the bytes of a watch. */
  function measure(options: StoreOptions<Pod, 'node'>): { heapMiB: number; store: Store<Pod, 'node'> } {
    const before = heapInUse()
    const store = new Store<Pod, 'node'>(options)
    const read = createLineSplitter((line) => {
      const event = parseWatchEvent<Pod>(line)
      assert.equal(event.type, 'changed')
      store.set(event.object)
    })
    const { uid, resourceVersion } = (JSON.parse(template) as Pod).metadata
    for (let index = 0; index < COUNT; index++) {
      const text = template
        .replaceAll('web-0', `web-${index}`)
        .replaceAll('node-000', `node-${String(index % 100).padStart(3, '0')}`)
        .replaceAll(uid, uid.replace(/.{8}$/, index.toString(16).padStart(8, '0')))
        .replace(`"resourceVersion":"${resourceVersion}"`, `"resourceVersion":"${1_000 + index}"`)
      read(Buffer.from(`{"type":"ADDED","object":${text}}\n`))
    }
    return { heapMiB: (heapInUse() - before) / 2 ** 20, store }
  }

  it('take a stated amount of memory, and less than with their managedFields', (t: TestContext) => {
    const indexes = { node: (pod: Pod) => [pod.spec.nodeName ?? ''] }
    const whole = measure({ indexes, transform: (pod) => pod })
    const usual = measure({ indexes })
    t.diagnostic(`a pod is ${template.length} bytes of JSON`)
    t.diagnostic(`${COUNT} pods: ${usual.heapMiB.toFixed(1)} MiB of heap`)
    t.diagnostic(`${COUNT} pods with managedFields: ${whole.heapMiB.toFixed(1)} MiB of heap`)
    assert.deepEqual([whole.store.size, usual.store.size, usual.store.countBy('node', 'node-007')], [COUNT, COUNT, 100])
    assert.ok(usual.heapMiB < 0.7 * whole.heapMiB)
    // Twice what it took when this was written.
    assert.ok(usual.heapMiB < 120, `${usual.heapMiB} MiB`)
  })
})

function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
