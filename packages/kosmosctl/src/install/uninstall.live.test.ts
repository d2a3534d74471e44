import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, keyOf, namespaces, pods, serviceAccounts } from '@kosmos/kube'
import { isGated } from '@kosmos/scheduler'
import { liveClusters } from '../live.fixture.ts'
import { silent } from '../terminal/progress.ts'
import { install } from './install.ts'
import { uninstall } from './uninstall.ts'

const namespace = 'busy'
const containers = [{ name: 'main', image: 'busybox' }]
const pod = (name: string) => ({ metadata: { namespace, name }, spec: { containers } }) as KubeObject

describe('uninstall, while pods are created that would be gated', () => {
  const { root } = liveClusters(['root'])

  before(async () => {
    await install({ root: root.source, timeoutSeconds: 0 }, silent)
    const labels = { 'kosmos.io/placement': 'best-fit' }
    await root.client.create(namespaces, { metadata: { name: namespace, labels } })
    while (!(await root.client.get(serviceAccounts, { namespace, name: 'default' }))) await sleep(20)
    for (;;) {
      const outcome = await root.client.create(pods, pod('probe'), { dryRun: true })
      assert(outcome.ok)
      if (isGated(outcome.object)) break
      await sleep(20)
    }
  })

  it('removes what gates them, then who opens gates, then every gate: none of them waits for ever', async () => {
    const stopping = new AbortController()
    let created = 0
    const create = async () => {
      while (!stopping.signal.aborted) {
        const outcome = await root.client.create(pods, pod(`pod-${created++}`))
        assert(outcome.ok, JSON.stringify(outcome))
      }
    }
    const creating = Promise.all([create(), create(), create()])
    const { removed, released } = await uninstall({ root: root.source }, silent)
    stopping.abort()
    await creating
    const waiting = (await root.client.listAll(pods, { namespace })).filter(isGated)
    assert.deepEqual(waiting.map(keyOf), [])
    assert(released.length > 0, 'some were gated')
    const order = (pattern: RegExp) => removed.findIndex((what) => pattern.test(what))
    const gates = removed.findLastIndex((what) => /^MutatingAdmissionPolicy /.test(what))
    assert(order(/^MutatingAdmissionPolicy /) >= 0 && gates < order(/^Deployment kosmos-system\/scheduler$/))
  })
  it('opens the gate of a pod too that an API server gates which has not heard of it yet', async () => {
    const gated = { schedulingGates: [{ name: 'kosmos.io/placement' }] }
    const create = async (name: string) => {
      const late = { ...pod(name), spec: { containers, ...gated } } as KubeObject
      const outcome = await root.client.create(pods, late)
      assert(outcome.ok, JSON.stringify(outcome))
    }
    const waits = async (name: string) => {
      const found = await root.client.get(pods, { namespace, name })
      return found !== undefined && isGated(found)
    }
    await create('first')
    const uninstalling = uninstall({ root: root.source }, silent)
    while (await waits('first')) await sleep(20)
    await create('late')
    const { released } = await uninstalling
    assert.deepEqual(released.toSorted(), ['busy/first', 'busy/late'])
    assert.equal(await waits('late'), false)
  })
})
