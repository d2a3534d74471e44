import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, podRequests } from '@kosmos/kube'
import { podLike } from '../pods.fixture.ts'
import { slimPod } from './slim-pod.ts'

const requests = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } })

describe('what is kept of a pod', () => {
  const pod = podLike({
    annotations: { 'kosmos.io/seat': '1', 'kubectl.kubernetes.io/last-applied-configuration': '{…}' },
    spec: {
      initContainers: [{ name: 'init', ...requests('3', '1Gi') }],
      containers: [
        { name: 'a', env: [{ name: 'PASSWORD', value: 'secret' }], ...requests('1', '2Gi') },
        { name: 'b', ...requests('500m', '1Gi') },
      ],
      overhead: { cpu: '10m' },
      nodeSelector: { a: 'b' },
    },
  })

  it('asks for the same resources, init containers and overhead included', () => {
    assert.deepEqual(formatResources(podRequests(slimPod(pod))), formatResources(podRequests(pod)))
    assert.equal(formatResources(podRequests(slimPod(pod))).cpu, '3010m')
  })

  it('is nothing of what its programs are given', () => {
    assert.doesNotMatch(JSON.stringify(slimPod(pod)), /secret|last-applied/)
    assert.equal(slimPod(pod).metadata.annotations?.['kosmos.io/seat'], '1')
  })
})
