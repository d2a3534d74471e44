import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, type PodSpec, type PodStatus } from '@kosmos/kube'
import { podRequests } from './pod-requests.ts'

const container = (name: string, cpu?: string, restartPolicy?: string) => ({
  name,
  ...(cpu && { resources: { requests: { cpu } } }),
  ...(restartPolicy && { restartPolicy }),
})
const requests = (spec: PodSpec, status: PodStatus = {}) => formatResources(podRequests({ spec, status }))

describe('what a pod takes of its node', () => {
  it('is the sum of its containers', () => {
    const containers = [container('a', '1'), container('b', '500m'), container('c')]
    assert.deepEqual(requests({ containers }), { cpu: '1500m' })
  })

  it('is at least what its largest init container needs, since those run alone', () => {
    const initContainers = [container('x', '3'), container('y', '2')]
    assert.deepEqual(requests({ containers: [container('a', '1')], initContainers }), { cpu: '3' })
  })

  it('counts sidecars with the containers, and with the init containers after them', () => {
    const containers = [container('a', '1')]
    const before = [container('s', '2', 'Always'), container('x', '3')]
    assert.deepEqual(requests({ containers, initContainers: before }), { cpu: '5' })
    assert.deepEqual(requests({ containers: [container('a', '4')], initContainers: before }), { cpu: '6' })
    const after = [container('x', '3'), container('s', '2', 'Always')]
    assert.deepEqual(requests({ containers, initContainers: after }), { cpu: '3' })
  })

  it('takes the maximum of each resource by itself', () => {
    const amounts = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } })
    const spec = {
      containers: [{ name: 'a', ...amounts('1', '4Gi') }],
      initContainers: [{ name: 'x', ...amounts('2', '1Gi') }],
    }
    assert.deepEqual(requests(spec), { cpu: '2', memory: '4Gi' })
  })

  it('is what the pod asks for as a whole, for the resources that can be asked for so', () => {
    const spec = {
      containers: [{ name: 'a', resources: { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' } } }],
      resources: { requests: { cpu: '3', 'hugepages-2Mi': '4Mi', 'nvidia.com/gpu': '9' } },
    }
    assert.deepEqual(requests(spec), { cpu: '3', 'hugepages-2Mi': '4Mi', memory: '1Gi', 'nvidia.com/gpu': '1' })
  })

  it('includes the overhead of its runtime, on top of everything', () => {
    const spec = { containers: [container('a', '1')], resources: { requests: { cpu: '2' } }, overhead: { cpu: '250m' } }
    assert.deepEqual(requests(spec), { cpu: '2250m' })
  })

  const resizing = (reason: string, allocated: string): PodStatus => ({
    conditions: [{ type: 'PodResizePending', status: 'True', reason }],
    containerStatuses: [
      {
        name: 'a',
        image: '',
        imageID: '',
        ready: true,
        restartCount: 0,
        allocatedResources: { cpu: allocated },
        resources: { requests: { cpu: allocated } },
      },
    ],
  })

  it('is the larger of asked for and held while a resize waits', () => {
    const containers = [container('a', '2')]
    assert.deepEqual(requests({ containers }, resizing('Deferred', '1')), { cpu: '2' })
    assert.deepEqual(requests({ containers }, resizing('Deferred', '3')), { cpu: '3' })
  })

  it('is what it holds when a resize can never be done', () => {
    assert.deepEqual(requests({ containers: [container('a', '64')] }, resizing('Infeasible', '1')), { cpu: '1' })
  })

  it('is nothing for a pod that asks for nothing', () => {
    assert.deepEqual(requests({ containers: [container('a')] }), {})
  })
})
