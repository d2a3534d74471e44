import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { before, describe, it, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { unwrap } from '../client/outcome.ts'
import { objectPath } from '../client/path.ts'
import { liveCluster } from '../live.fixture.ts'
import { pods, serviceAccounts } from '../objects/resources.ts'
import type { Pod } from '../objects/types.ts'
import { parseWatchEvent } from '../watch/event.ts'
import { createLineSplitter } from '../watch/lines.ts'
import { Store } from './store.ts'

const COUNT = 10_000

describe(`${COUNT} pods in a store`, { timeout: 300_000 }, () => {
  const cluster = liveCluster()
  let template = ''
  before(async () => {
    template = await runningPod()
  })

  /** A pod of a Deployment as the API server shows it once it runs: defaults, token volume, status, managedFields. */
  async function runningPod(): Promise<string> {
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
    unwrap(await kubelet.patch(pods, ref, { status }, { type: 'strategic', subresource: 'status' }))
    const { body } = await client.connection.open({ method: 'GET', path: objectPath(pods, ref) })
    const pod = await text(body)
    assert.match(pod, /"managedFields":.*"phase":"Running"/)
    return pod.trim()
  }

  /** MiB of heap that the store holds, filled by the bytes of a watch. */
  function measure(podOf: (line: Buffer) => Pod): { heapMiB: number; store: Store<Pod, 'node'> } {
    const before = heapInUse()
    const store = new Store<Pod, 'node'>({ indexes: { node: (pod) => [pod.spec.nodeName ?? ''] } })
    const read = createLineSplitter((line) => store.set(podOf(line)))
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
    const whole = measure((line) => JSON.parse(line.toString()).object)
    const usual = measure((line) => {
      const event = parseWatchEvent<Pod>(line)
      assert.equal(event.type, 'changed')
      return event.object
    })
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
