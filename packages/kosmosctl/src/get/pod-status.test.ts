import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { podSummary } from './pod-status.ts'

const pod = (status: unknown, metadata: object = {}) =>
  ({
    metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1', ...metadata },
    spec: { initContainers: [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'a' }, { name: 'b' }] },
    status,
  }) as unknown as Pod
const waiting = (reason: string) => ({ name: 'a', ready: false, restartCount: 3, state: { waiting: { reason } } })
const running = { name: 'b', ready: true, restartCount: 1, state: { running: {} } }
const ended = (exitCode: number, reason?: string) => ({
  name: 'a',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, reason } },
})

describe('the status of a pod, as kubectl says it', () => {
  const cases: readonly [string, Pod][] = [
    ['Running', pod({ phase: 'Running', containerStatuses: [running] })],
    ['CrashLoopBackOff', pod({ phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff'), running] })],
    ['ImagePullBackOff', pod({ phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff')] })],
    ['Completed', pod({ phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] })],
    ['Error', pod({ phase: 'Failed', containerStatuses: [ended(1, 'Error')] })],
    ['ExitCode:7', pod({ phase: 'Failed', containerStatuses: [ended(7)] })],
    ['Evicted', pod({ phase: 'Failed', reason: 'Evicted' })],
    ['Pending', pod({ phase: 'Pending' })],
    ['Terminating', pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['Init:1/2', pod({ phase: 'Pending', initContainerStatuses: [ended(0, 'Completed'), waiting('PodInitializing')] })],
    ['Init:CrashLoopBackOff', pod({ phase: 'Pending', initContainerStatuses: [waiting('CrashLoopBackOff')] })],
    ['NotReady', pod({ phase: 'Running', containerStatuses: [ended(0, 'Completed'), running] })],
  ]
  for (const [text, given] of cases) it(`is ${text}`, () => assert.equal(podSummary(given).status, text))
})

describe('the numbers of a pod', () => {
  it('count its containers and restarts', () => {
    const given = pod({ phase: 'Running', containerStatuses: [waiting('x'), running] })
    const { ready, restarts } = podSummary(given)
    assert.deepEqual([ready, restarts], ['1/2', 4])
    assert.equal(podSummary(pod({})).ready, '0/2')
  })
})
