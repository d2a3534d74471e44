import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, type PodSpec, type PodStatus } from '@kosmos/kube'
import { podLimits } from './pod-limits.ts'

const container = (name: string, limits?: Record<string, string>, restartPolicy?: string) => ({
  name,
  ...(limits && { resources: { limits } }),
  ...(restartPolicy && { restartPolicy }),
})
const limits = (spec: PodSpec, status: PodStatus = {}) => formatResources(podLimits({ spec, status }))

describe('the limits of a pod', () => {
  it('are those of its containers and sidecars together, and at least those of its largest init container', () => {
    const containers = [container('a', { cpu: '1' }), container('b', { cpu: '500m', memory: '1Gi' }), container('c')]
    assert.deepEqual(limits({ containers }), { cpu: '1500m', memory: '1Gi' })
    const initContainers = [container('s', { cpu: '1' }, 'Always'), container('x', { cpu: '3' })]
    assert.deepEqual(limits({ containers, initContainers }), { cpu: '4', memory: '1Gi' })
  })

  it('are what it says as a whole, for the resources that can be limited so', () => {
    const containers = [container('a', { cpu: '1', 'ephemeral-storage': '1Gi' })]
    const resources = { limits: { cpu: '3', 'ephemeral-storage': '9Gi' } }
    assert.deepEqual(limits({ containers, resources }), { cpu: '3', 'ephemeral-storage': '1Gi' })
  })

  it('have the overhead of its runtime on top where there is a limit', () => {
    const containers = [container('a', { cpu: '1', 'ephemeral-storage': '0' })]
    const overhead = { cpu: '250m', memory: '64Mi', 'ephemeral-storage': '1Gi' }
    assert.deepEqual(limits({ containers, overhead }), { cpu: '1250m', 'ephemeral-storage': '0' })
  })

  it('are the larger of old and new while it is resized, and the old ones if that cannot be', () => {
    const containers = [container('a', { cpu: '1' }), container('b', { cpu: '1' })]
    const status = {
      name: 'a',
      image: '',
      imageID: '',
      ready: true,
      restartCount: 0,
      resources: { limits: { cpu: '3' } },
    }
    const containerStatuses = [status]
    assert.deepEqual(limits({ containers }, { containerStatuses }), { cpu: '4' })
    const conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }]
    assert.deepEqual(limits({ containers }, { containerStatuses, conditions }), { cpu: '3' })
  })
})
