import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import type { Deployment } from '../clusters/resources.ts'
import { idleController } from './idle-controller.ts'

const deployment = (replicas: number) =>
  ({ metadata: { name: 'clusterlink' }, spec: { replicas }, status: {} }) as unknown as Deployment
const pod = (status: object) =>
  ({ metadata: { name: 'clusterlink-a' }, spec: { containers: [{ name: 'c' }] }, status }) as unknown as Pod
const told = (replicas: number, ...pods: Pod[]) => {
  const { what, fix } = idleController({ deployment: deployment(replicas), pods })
  return `${what} -> ${fix}`
}

describe('a controller that is not at work', () => {
  it('is to be installed only where it is not', () => {
    assert.deepEqual(idleController({ deployment: undefined, pods: [] }), {
      what: 'none is installed',
      fix: 'kosmosctl install',
    })
    assert.match(told(0), /scaled to 0 -> kubectl scale -n kosmos-system deployment\/clusterlink --replicas=2$/)
  })

  it('is Pending for a reason, and has no logs', () => {
    const message = '0/2 nodes are available: 2 Insufficient cpu.'
    const unscheduled = pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message }] })
    assert.equal(
      told(2, unscheduled),
      `0 of 2 replicas are ready; clusterlink-a is Pending: ${message} -> kubectl describe -n kosmos-system pods -l app.kubernetes.io/name=clusterlink`,
    )
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' }
    const pulling = pod({ phase: 'Pending', containerStatuses: [{ name: 'c', restartCount: 0, state: { waiting } }] })
    assert.match(told(2, pulling), /clusterlink-a is ImagePullBackOff: Back-off pulling image -> kubectl describe /)
  })

  it('crashes, and its logs are those of before', () => {
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' }
    const status = { name: 'c', restartCount: 9, state: { waiting }, lastState: { terminated: { exitCode: 1 } } }
    assert.match(
      told(1, pod({ phase: 'Running', containerStatuses: [status] })),
      /is CrashLoopBackOff: back-off 5m0s -> kubectl logs -n kosmos-system clusterlink-a --previous$/,
    )
  })

  it('runs, and says itself what it lacks', () => {
    const status = { name: 'c', restartCount: 0, ready: false, state: { running: {} } }
    assert.equal(
      told(1, pod({ phase: 'Running', containerStatuses: [status] })),
      '0 of 1 replicas are ready -> kubectl logs -n kosmos-system deployment/clusterlink',
    )
    assert.match(told(1), /-> kubectl describe -n kosmos-system deployment\/clusterlink$/)
  })
})
