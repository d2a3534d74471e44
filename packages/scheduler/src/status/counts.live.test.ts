import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Informer, type KubeObject, nodes, pods } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import type { StoredPolicy } from '../policies/compiled-policy.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

describe('the counts in the status of a policy whose pods come one after the other', () => {
  const stop = new AbortController()
  let root: AdmittingRoot
  let running: Promise<void>
  before(async () => {
    root = await startAdmittingRoot('counts')
    const scheduler = new Scheduler({ root: root.client, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    running = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await running
    await root?.stop()
  })

  it('are written every other second, and right in the end', async () => {
    const { client } = root
    const labels = { 'kosmos.io/cluster': 'leaf1' }
    await mustCreate(client, nodes, { metadata: { name: 'kosmos-leaf1', labels } } as KubeObject)
    const labelSelector = { matchLabels: { app: 'web' } }
    const { metadata, ...policy } = policyLike({ allocationPolicy: [{ name: 'leaf1', weight: 1 }], labelSelector })
    const { namespace, name } = metadata
    await mustCreate(client, workloadPolicies, { ...policy, metadata: { namespace, name } } as KubeObject)
    const written: StoredPolicy[] = []
    const seen = new Informer({ client, resource: workloadPolicies })
    seen.subscribe(({ object }) => written.push(object as StoredPolicy))
    void seen.run(stop.signal)
    await seen.synced
    const spec = { containers: [{ name: 'main', image: 'busybox' }], tolerations: [{ operator: 'Exists' }] }
    const since = performance.now()
    let created = 0
    for (; performance.now() - since < 8_000; created++) {
      const pod = { metadata: { namespace, name: `web-${created}`, labels: { app: 'web' } }, spec }
      await mustCreate(client, pods, pod as KubeObject)
      await sleep(50)
    }
    const assigned = () => written.at(-1)?.status?.allocations?.[0]?.assigned
    while (assigned() !== created) await sleep(50)
    // It exists, gets its label and says that it has no pods.
    const others = 3
    const turns = (performance.now() - since) / 2_000 + 1
    assert(written.length <= others + turns, `${written.length} versions in ${turns} turns`)
  })
})
