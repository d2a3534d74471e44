import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type KubeObject, namespaces, type Pod, pods, unwrap } from '@kosmos/kube'
import fc from 'fast-check'
import { liveClusters } from '../live.fixture.ts'
import { podSummary } from './pod-status.ts'

const namespace = 'app'

const state = fc.oneof(
  fc.constant({}),
  fc.record({ waiting: fc.record({ reason: fc.constantFrom('CrashLoopBackOff', 'PodInitializing', 'ErrImagePull') }) }),
  fc.constant({ waiting: {} }),
  fc.record({ running: fc.constant({ startedAt: '2026-01-01T00:00:00Z' }) }),
  fc.record({
    terminated: fc.record(
      {
        exitCode: fc.constantFrom(0, 0, 1, 137),
        reason: fc.constantFrom('Completed', 'Error'),
        signal: fc.constantFrom(0, 9),
      },
      { requiredKeys: ['exitCode'] },
    ),
  }),
)
const container = fc.record(
  { state, ready: fc.boolean(), started: fc.boolean(), restartCount: fc.nat({ max: 3 }) },
  { requiredKeys: ['state', 'ready', 'restartCount'] },
)
const condition = (type: string) =>
  fc.option(
    fc.record(
      { type: fc.constant(type), status: fc.constantFrom('True', 'False') },
      { requiredKeys: ['type', 'status'] },
    ),
    { nil: undefined },
  )
const given = fc.record({
  /** Whether each is a sidecar. */
  init: fc.array(fc.tuple(fc.boolean(), container), { maxLength: 3 }),
  own: fc.array(container, { minLength: 1, maxLength: 3 }),
  phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
  reason: fc.option(fc.constantFrom('Evicted', 'NodeLost'), { nil: undefined, freq: 4 }),
  conditions: fc.tuple(condition('Initialized'), condition('Ready')),
  isGated: fc.boolean(),
  isDeleted: fc.boolean(),
})

describe('what is said of a pod', () => {
  const { cluster } = liveClusters(['cluster'])
  before(async () => {
    unwrap(await cluster.client.create(namespaces, { metadata: { name: namespace } }))
  })

  /** The columns that the API server prints for kubectl. */
  async function columns(name: string): Promise<readonly unknown[]> {
    const { code, body } = await cluster.client.connection.request({
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}/pods/${name}`,
      headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
    })
    assert.equal(code, 200)
    const { rows } = body as { rows: readonly { readonly cells: readonly unknown[] }[] }
    return rows[0]?.cells.slice(1, 4) ?? []
  }

  it('is what kubectl says, whatever its containers do', async () => {
    let count = 0
    const { client } = cluster
    const property = fc.asyncProperty(given, async ({ init, own, phase, reason, conditions, isGated, isDeleted }) => {
      const name = `pod-${count++}`
      const ref = { namespace, name }
      const image = { image: 'i' }
      const spec = {
        automountServiceAccountToken: false,
        nodeName: 'elsewhere',
        initContainers: init.map(([isSidecar], i) => ({
          ...image,
          name: `i${i}`,
          ...(isSidecar && { restartPolicy: 'Always' }),
        })),
        containers: own.map((_, i) => ({ ...image, name: `c${i}` })),
      }
      const finalizers = ['test.example/kept']
      unwrap(await client.create(pods, { metadata: { ...ref, finalizers }, spec } as KubeObject))
      const about = { image: 'i', imageID: '' }
      const gate = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }
      const status = {
        phase,
        reason,
        conditions: [...conditions.filter((one) => one !== undefined), ...(isGated ? [gate] : [])],
        initContainerStatuses: init.map(([, one], i) => ({ ...about, ...one, name: `i${i}` })),
        containerStatuses: own.map((one, i) => ({ ...about, ...one, name: `c${i}` })),
      }
      unwrap(await client.patch(pods, ref, { status }, { type: 'merge', subresource: 'status' }))
      if (isDeleted) unwrap(await client.delete(pods, ref))
      const pod: Pod = (await client.get(pods, ref)) ?? assert.fail()
      const { ready, status: word, restarts } = podSummary(pod)
      assert.deepEqual([ready, word, String(restarts)], (await columns(name)).map(String))
    })
    await fc.assert(property, { numRuns: 150 })
  })
})
