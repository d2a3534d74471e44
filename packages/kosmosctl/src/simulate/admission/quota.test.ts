import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { allowance, type ResourceQuota } from './quota.ts'
import { areScopesKnown } from './quota-scopes.ts'

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
    const near = { topologyKey: 'zone', labelSelector: {} }
    const affine = (affinity: object) => ({ ...plain, spec: { ...plain.spec, affinity } }) as Pod
    const across = affine({
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...near, namespaces: ['db'] }] },
    })
    const wished = affine({
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: { ...near, namespaceSelector: {} } },
        ],
      },
    })
    const within = affine({
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...near, namespaces: [] }] },
    })
    const all = { plain, deadline, urgent, limited, ofPod, across, wished, within }
    const besteffort = ['plain', 'across', 'wished', 'within'] as const
    for (const [parts, of] of [
      [{ scopes: ['BestEffort'] }, besteffort],
      [{ scopes: ['CrossNamespacePodAffinity'] }, ['across', 'wished']],
      [{ scopes: ['VolumeAttributesClass'] }, []],
      [{ scopes: ['NotBestEffort'] }, ['deadline', 'urgent', 'limited', 'ofPod']],
      [{ scopes: ['Terminating'] }, ['deadline']],
      [{ scopes: ['NotTerminating', 'NotBestEffort'] }, ['urgent', 'limited', 'ofPod']],
      [{ scopes: ['PriorityClass'] }, ['urgent']],
      [classes('In', 'urgent', 'other'), ['urgent']],
      [classes('NotIn', 'urgent'), ['plain', 'deadline', 'limited', 'ofPod', 'across', 'wished', 'within']],
      [classes('DoesNotExist'), ['plain', 'deadline', 'limited', 'ofPod', 'across', 'wished', 'within']],
      [{ scopes: ['Terminating'], ...classes('Exists') }, []],
    ] as const) {
      const scoped = quota({ pods: '0' }, parts)
      const refused = Object.entries(all).flatMap(([name, one]) =>
        allowance([one], [], [scoped]).pods === 0 ? [name] : [],
      )
      assert.deepEqual([parts, refused, areScopesKnown(parts)], [parts, of, true])
    }
  })

  it('counts those that are there by its scopes as well', () => {
    const scoped = quota({ pods: '2' }, { scopes: ['NotBestEffort'] })
    assert.deepEqual(allowance(three, [pod({}), pod()], [scoped]), refusing(1, 'pods'))
  })

  it('is left to the reader where it has other scopes', () => {
    const scopes = ['OfTomorrow']
    assert.equal(allowance(three, [], [quota({ pods: '0' }, { scopes })]).pods, 3)
    assert.equal(areScopesKnown({ scopes }), false)
  })

  it('counts limits, and has every container say those of cpu and memory', () => {
    const limited = (limits: Record<string, string>) =>
      ({ ...pod(), spec: { containers: [{ name: 'main', resources: { limits } }] } }) as unknown as Pod
    const two = [limited({ cpu: '1', 'ephemeral-storage': '1Gi' }), limited({ cpu: '1', 'ephemeral-storage': '1Gi' })]
    assert.deepEqual(allowance(two, [limited({ cpu: '2' })], [quota({ 'limits.cpu': '3' })]), refusing(1, 'limits.cpu'))
    assert.deepEqual(allowance(two, [], [quota({ 'limits.memory': '9Gi' })]), refusing(0, 'limits.memory'))
    const scratch = quota({ 'limits.ephemeral-storage': '1500Mi' })
    assert.deepEqual(allowance(two, [], [scratch]), refusing(1, 'limits.ephemeral-storage'))
    assert.equal(allowance([limited({})], [], [scratch]).pods, 1)
    const whole = { ...pod({}), spec: { ...pod({}).spec, resources: { limits: { memory: '1Gi' } } } } as Pod
    assert.equal(allowance([whole], [], [quota({ 'limits.cpu': '1' })]).pods, 1)
    assert.deepEqual(allowance([whole], [], [quota({ 'limits.memory': '1Mi' })]), refusing(0, 'limits.memory'))
  })

  it('counts what nodes lend out beside cpu and memory by its plain name as well', () => {
    const pages = [pod({ 'hugepages-2Mi': '4Mi', 'ephemeral-storage': '2Gi' })]
    for (const name of ['hugepages-2Mi', 'requests.hugepages-2Mi', 'ephemeral-storage', 'requests.ephemeral-storage']) {
      assert.deepEqual(allowance(pages, [], [quota({ [name]: '1Mi' })]), refusing(0, name))
    }
    assert.equal(allowance([pod({ 'example.org/gpu': '1' })], [], [quota({ 'example.org/gpu': '0' })]).pods, 1)
  })
})
