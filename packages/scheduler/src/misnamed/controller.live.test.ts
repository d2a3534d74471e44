import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, type Pod, pods } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'
import { MisnamedController } from './controller.ts'

const shop = 'shop'

describe('a pod that names a policy', () => {
  let root: AdmittingRoot
  const stop = new AbortController()
  const running: Promise<unknown>[] = []
  const told: string[] = []
  const record = ({ metadata }: KubeObject, { reason, note }: { reason: string; note: string }) =>
    void told.push(`${metadata?.name} ${reason}: ${note}`)
  const pod = async (name: string, policy: string, spec: object = {}) =>
    (await mustCreate(root.client, pods, {
      metadata: { namespace: shop, name, labels: { 'workload-policy/kosmos.io': policy } },
      spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
    } as KubeObject)) as Pod
  const untilTold = async (of: string) => {
    while (!told.some((one) => one.startsWith(`${of} `))) await sleep(20)
  }

  before(async () => {
    root = await startAdmittingRoot('misnamed')
    const { metadata: _, ...policy } = policyLike({ allocationPolicy: [{ name: 'leaf1', weight: 1 }] })
    await mustCreate(root.client, workloadPolicies, {
      ...policy,
      metadata: { namespace: shop, name: 'web' },
    } as KubeObject)
  })
  after(async () => {
    stop.abort()
    await Promise.all(running)
    await root?.stop()
  })

  it('is told that it is not there, once; and nothing when it is, or when the pod has ended before', async () => {
    await pod('ended', 'none')
    const status = { phase: 'Succeeded' }
    await root.client.patch(
      pods,
      { namespace: shop, name: 'ended' },
      { status },
      { type: 'merge', subresource: 'status' },
    )
    const scheduler = new Scheduler({ root: root.client, takeBackAfterMs: 0, record, log: () => {} })
    running.push(scheduler.run(stop.signal))
    await scheduler.synced
    await pod('right', 'web')
    for (const name of ['wrong', 'last']) {
      await pod(name, 'wbe')
      await untilTold(name)
    }
    const ours = told.filter((one) => one.includes('PolicyNotFound'))
    assert.match(ours[0] ?? '', /^wrong PolicyNotFound: .*WorkloadPolicy wbe, which namespace shop does not have/)
    assert.equal(ours.length, 2, ours.join('\n'))
  })

  it('is told nothing where the policy is there, and only not yet known', async () => {
    const asked = new Map<string, Pod>()
    const toldHere: string[] = []
    let looked = 0
    const misnamed = new MisnamedController({
      root: root.client,
      podOf: (key) => asked.get(key),
      isKnown: () => false,
      record: ({ metadata }) => void toldHere.push(metadata?.name ?? ''),
      synced: Promise.resolve(),
      onReconcile: () => void looked++,
    })
    running.push(misnamed.controller.run(stop.signal))
    for (const [name, policy] of Object.entries({ new: 'web', newer: 'wbe' })) {
      const key = `${shop}/${name}`
      const made = await pod(name, policy)
      asked.set(key, made)
      misnamed.podAdded(made, key)
    }
    while (looked < 2) await sleep(20)
    assert.deepEqual(toldHere, ['newer'])
  })
})
