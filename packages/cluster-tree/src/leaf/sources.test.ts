import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, type Pod, podRequests } from '@kosmos/kube'
import fc from 'fast-check'
import { whatIsReflected, whatTakesRoom } from './sources.ts'

const amounts = fc.dictionary(fc.constantFrom('cpu', 'memory', 'example.com/gpu'), fc.constantFrom('1', '2', '3'))
const resources = fc.record({ requests: amounts, limits: amounts }, { requiredKeys: [] })
/** Containers and their statuses; names are unique within a pod, init containers included. */
const part = (...names: string[]) => {
  const name = fc.constantFrom(...names)
  const image = fc.constant('nginx')
  const container = fc.record(
    { name, image, resources, restartPolicy: fc.constant('Always') },
    { requiredKeys: ['name', 'image'] },
  )
  const status = fc.record({ name, image, resources, allocatedResources: amounts }, { requiredKeys: ['name', 'image'] })
  const selector = ({ name }: { name: string }) => name
  return {
    containers: fc.uniqueArray(container, { selector, minLength: 1 }),
    statuses: fc.uniqueArray(status, { selector }),
  }
}
const [main, init] = [part('a', 'b'), part('x', 'y')]
const pod = fc
  .record({
    containers: main.containers,
    initContainers: fc.option(init.containers, { nil: undefined }),
    overhead: fc.option(amounts, { nil: undefined }),
    resources: fc.option(resources, { nil: undefined }),
    statuses: main.statuses,
    initStatuses: init.statuses,
    conditions: fc.array(
      fc.record({
        type: fc.constantFrom('PodResizePending', 'Ready'),
        status: fc.constant('True'),
        reason: fc.constantFrom('Infeasible', 'Deferred'),
      }),
    ),
    phase: fc.constantFrom('Pending', 'Running', undefined),
  })
  .map(
    ({ containers, initContainers, overhead, resources, statuses, initStatuses, conditions, phase }) =>
      JSON.parse(
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1', labels: { a: 'b' } },
          spec: { nodeName: 'node', containers, initContainers, overhead, resources, volumes: [{ name: 'v' }] },
          status: {
            phase,
            conditions,
            containerStatuses: statuses,
            initContainerStatuses: initStatuses,
            podIP: '1.1.1.1',
          },
        }),
      ) as Pod,
  )

describe('what is kept of our copies', () => {
  it('is enough to know what they take of their node', () => {
    fc.assert(
      fc.property(pod, (pod) => {
        const kept = whatIsReflected(pod)
        assert.deepEqual(formatResources(podRequests(kept)), formatResources(podRequests(pod)))
        assert.equal(kept.spec.nodeName, pod.spec.nodeName)
        assert.ok(!JSON.stringify(kept.spec).includes('nginx'), 'images and the like are the root pod’s')
      }),
    )
  })

  it('is which debug containers they have, by name', () => {
    const ephemeralContainers = [{ name: 'debugger', image: 'nginx' }]
    const copy = { metadata: {}, spec: { containers: [], ephemeralContainers } } as unknown as Pod
    assert.deepEqual(whatIsReflected(copy).spec.ephemeralContainers, [{ name: 'debugger' }])
  })
})

describe('what is kept of the pods of others', () => {
  it('is enough to know what they take of their node', () => {
    fc.assert(
      fc.property(pod, (pod) => {
        const kept = whatTakesRoom(pod)
        assert.deepEqual(formatResources(podRequests(kept)), formatResources(podRequests(pod)))
        assert.equal(kept.spec.nodeName, pod.spec.nodeName)
        assert.equal(kept.status?.phase, pod.status?.phase)
      }),
    )
  })

  it('is what names them, and nothing else: no labels, images, volumes, addresses or limits', () => {
    const limits = { cpu: '2' }
    const requests = { cpu: '1' }
    const given = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'n',
        uid: 'u',
        resourceVersion: '1',
        labels: { a: 'b' },
        annotations: { a: 'b' },
      },
      spec: {
        nodeName: 'node',
        serviceAccountName: 'default',
        volumes: [{ name: 'v' }],
        containers: [{ name: 'a', image: 'nginx', env: [{ name: 'E', value: 'x' }], resources: { limits, requests } }],
      },
      status: {
        phase: 'Running',
        podIP: '1.1.1.1',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'a', image: 'nginx', imageID: 'i', ready: true, restartCount: 0 }],
      },
    }
    assert.deepEqual(whatTakesRoom(given as Pod), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' },
      spec: { nodeName: 'node', containers: [{ name: 'a', resources: { requests } }] },
      status: { phase: 'Running' },
    })
  })
})
