import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { ask, type Served, serve } from '../testing/serve.ts'
import { whatRuns } from './pods.ts'

const running = { running: { startedAt: '2026-01-01T00:00:00Z' } }
const web = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'uid-web' },
  spec: {
    initContainers: [
      { name: 'migrate', image: 'migrate:1' },
      { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' },
    ],
    containers: [
      { name: 'main', image: 'web:1' },
      { name: 'broken', image: 'web:2' },
    ],
  },
  status: {
    initContainerStatuses: [
      { name: 'migrate', state: { terminated: { exitCode: 0 } } },
      { name: 'proxy', state: running },
    ],
    containerStatuses: [
      { name: 'main', state: running },
      { name: 'broken', state: { waiting: { reason: 'CrashLoopBackOff' } } },
    ],
  },
} as unknown as Pod
const waiting = { ...web, metadata: { ...web.metadata, name: 'waiting' }, status: { phase: 'Pending' } } as Pod

describe('the pods that a node tells of', () => {
  let served: Served
  before(async () => {
    served = await serve({ list: () => [web, waiting] })
  })
  after(async () => await served.server.close())
  const list = async (path: string) => {
    const { code, headers, text } = await ask(served.port, path, { token: 'good' })
    assert.deepEqual([code, headers['content-type']], [200, 'application/json'])
    return JSON.parse(text) as { kind: string; items: Pod[] }
  }

  it('are whole by /pods', async () => {
    const { kind, items } = await list('/pods')
    assert.equal(kind, 'PodList')
    const { apiVersion: _, kind: __, ...pod } = web
    assert.deepEqual(items[0], JSON.parse(JSON.stringify(pod)))
    assert.equal(items.length, 2)
  })

  it('are those with running containers by /runningpods, and only these of them', async () => {
    const { items } = await list('/runningpods/')
    const expected = {
      metadata: { name: 'web', namespace: 'shop', uid: 'uid-web' },
      spec: {
        containers: [
          { name: 'proxy', image: 'proxy:1', resources: {} },
          { name: 'main', image: 'web:1', resources: {} },
        ],
      },
      status: {},
    }
    assert.deepEqual(items, [expected])
    assert.deepEqual(whatRuns(waiting), [])
  })
})
