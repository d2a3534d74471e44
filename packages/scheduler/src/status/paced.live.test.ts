import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, pods } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

const namespace = 'shop'
const name = 'web'

describe('a policy whose pods come all the time', () => {
  let root: AdmittingRoot
  let running: Promise<void>
  const stop = new AbortController()

  before(async () => {
    root = await startAdmittingRoot('paced')
    const scheduler = new Scheduler({ root: root.client, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    running = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await running
    await root?.stop()
  })

  const writes = async () => {
    const line = /^apiserver_request_total\{.*resource="workloadpolicies".*subresource="status".*\} (\d+)/m
    return Number(line.exec(String(await root.client.raw('/metrics')))?.[1] ?? 0)
  }
  const counted = async () => (await root.client.get(workloadPolicies, { namespace, name }))?.status?.pods

  it('says so soon, is written every three seconds at most, and has all in the end', async () => {
    const labelSelector = { matchLabels: { app: 'web' } }
    const { metadata: _, ...policy } = policyLike({ allocationPolicy: [{ name: 'leaf1', weight: 1 }], labelSelector })
    await mustCreate(root.client, workloadPolicies, { ...policy, metadata: { namespace, name } } as KubeObject)
    while ((await counted()) !== 0) await sleep(50)
    const [began, atFirst] = [performance.now(), await writes()]
    const spec = { containers: [{ name: 'main', image: 'busybox' }] }
    for (let i = 0; i < 60; i++) {
      const metadata = { namespace, name: `web-${i}`, labels: { app: 'web' } }
      await mustCreate(root.client, pods, { metadata, spec } as KubeObject)
      await sleep(100)
    }
    while ((await counted()) !== 60) await sleep(50)
    const most = (performance.now() - began) / 3_000 + 1
    const written = (await writes()) - atFirst
    assert(written <= most, `${written} writes, of ${most} at most`)
  })
})
