import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { allowance, isUncounted, type ResourceQuota } from './quota.ts'

const quota = (hard: Record<string, string>, parts: object = {}): ResourceQuota => ({
  metadata: { namespace: 'shop', name: 'small' },
  spec: { hard, ...parts },
})
const pod = (requests: Record<string, string> = { cpu: '1' }, phase = 'Pending') =>
  ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: { containers: [{ name: 'main', resources: { requests } }] },
    status: { phase },
  }) as unknown as Pod
const three = [pod(), pod(), pod()]
const refusing = (pods: number, resource: string) => ({ pods, by: { quota: 'small', resource } })

describe('a ResourceQuota of the namespace', () => {
  it('lets as many pods be made as its counts and sums have left', () => {
    assert.deepEqual(allowance(three, [], [quota({ pods: '3', cpu: '3' })]), { pods: 3, by: undefined })
    assert.deepEqual(allowance(three, [pod()], [quota({ pods: '3' })]), refusing(2, 'pods'))
    assert.deepEqual(allowance(three, [pod()], [quota({ 'requests.cpu': '2500m' })]), refusing(1, 'requests.cpu'))
    const gpus = [pod({ 'example.org/gpu': '1' })]
    assert.deepEqual(
      allowance(gpus, [], [quota({ 'requests.example.org/gpu': '0' })]),
      refusing(0, 'requests.example.org/gpu'),
    )
    assert.deepEqual(allowance(three, [], [quota({ 'requests.example.org/gpu': '0', services: '0' })]).pods, 3)
  })

  it('counts pods that have ended as objects only', () => {
    const ended = [pod({ cpu: '9' }, 'Succeeded'), pod({ cpu: '9' }, 'Failed')]
    assert.equal(allowance(three, ended, [quota({ pods: '3', cpu: '3' })]).pods, 3)
    assert.deepEqual(allowance(three, ended, [quota({ 'count/pods': '3' })]), refusing(1, 'count/pods'))
  })

  it('lets none be made that does not say what it requests of cpu or memory', () => {
    assert.deepEqual(allowance([pod()], [], [quota({ memory: '1Gi' })]), refusing(0, 'memory'))
  })

  it('is left to the reader where it has scopes or counts limits', () => {
    const scoped = quota({ pods: '0' }, { scopes: ['BestEffort'] })
    assert.equal(allowance(three, [], [scoped]).pods, 3)
    assert.deepEqual([scoped, quota({ 'limits.cpu': '1' }), quota({ pods: '1' })].map(isUncounted), [true, true, false])
  })
})
