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

  it('is for pods of its scopes only', () => {
    const plain = pod({})
    const deadline = { ...pod(), spec: { ...pod().spec, activeDeadlineSeconds: 60 } } as Pod
    const urgent = { ...pod(), spec: { ...pod().spec, priorityClassName: 'urgent' } } as Pod
    const limited = {
      ...plain,
      spec: { containers: [{ name: 'main', resources: { limits: { memory: '1Gi' } } }] },
    } as unknown as Pod
    const ofPod = { ...plain, spec: { ...plain.spec, resources: { requests: { cpu: '1' } } } } as Pod
    const classes = (operator: string, ...values: string[]) => ({
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] },
    })
    const all = { plain, deadline, urgent, limited, ofPod }
    for (const [parts, of] of [
      [{ scopes: ['BestEffort'] }, ['plain']],
      [{ scopes: ['NotBestEffort'] }, ['deadline', 'urgent', 'limited', 'ofPod']],
      [{ scopes: ['Terminating'] }, ['deadline']],
      [{ scopes: ['NotTerminating', 'NotBestEffort'] }, ['urgent', 'limited', 'ofPod']],
      [{ scopes: ['PriorityClass'] }, ['urgent']],
      [classes('In', 'urgent', 'other'), ['urgent']],
      [classes('NotIn', 'urgent'), ['plain', 'deadline', 'limited', 'ofPod']],
      [classes('DoesNotExist'), ['plain', 'deadline', 'limited', 'ofPod']],
      [{ scopes: ['Terminating'], ...classes('Exists') }, []],
    ] as const) {
      const scoped = quota({ pods: '0' }, parts)
      const refused = Object.entries(all).flatMap(([name, one]) =>
        allowance([one], [], [scoped]).pods === 0 ? [name] : [],
      )
      assert.deepEqual([parts, refused, isUncounted(scoped)], [parts, of, false])
    }
  })

  it('counts those that are there by its scopes as well', () => {
    const scoped = quota({ pods: '2' }, { scopes: ['NotBestEffort'] })
    assert.deepEqual(allowance(three, [pod({}), pod()], [scoped]), refusing(1, 'pods'))
  })

  it('is left to the reader where it has other scopes or counts limits', () => {
    const scoped = quota({ pods: '0' }, { scopes: ['CrossNamespacePodAffinity'] })
    assert.equal(allowance(three, [], [scoped]).pods, 3)
    assert.deepEqual([scoped, quota({ 'limits.cpu': '1' }), quota({ pods: '1' })].map(isUncounted), [true, true, false])
  })
})
