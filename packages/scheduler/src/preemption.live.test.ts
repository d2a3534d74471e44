import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pods, resource } from '@kosmos/kube'
import { namespace, onNode, type SchedulingRoot, startSchedulingRoot } from './scheduling-root.fixture.ts'

const priorityClasses = resource('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster')
const high = { priorityClassName: 'high' }

describe('a pod of high priority in a namespace that minds room', () => {
  let root: SchedulingRoot

  before(async () => {
    root = await startSchedulingRoot('preemption', 0)
    await root.created(priorityClasses, { metadata: { name: 'high' }, value: 1000 })
    await root.created(priorityClasses, { metadata: { name: 'patient' }, value: 1000, preemptionPolicy: 'Never' })
  })
  after(() => root?.stop())

  it('has its place on a node of the root: kube-scheduler preempts a pod of lower priority for it', async () => {
    const { client, node, pod, eventually } = root
    await node('worker')
    await pod('low', 3)
    await eventually('the first one is bound', onNode('worker'), 'low')
    await pod('patient', 3, { priorityClassName: 'patient' })
    await pod('equal', 3)
    await pod('urgent', 3, high)
    await eventually('it is bound', onNode('worker'), 'urgent')
    assert.equal(await client.get(pods, { namespace, name: 'low' }), undefined)
    for (const name of ['patient', 'equal']) {
      const waiting = await client.get(pods, { namespace, name })
      assert.equal(waiting?.spec.schedulingGates?.length, 1, `${name} waits at the gate`)
    }
    await client.delete(pods, { namespace, name: 'urgent' })
    await eventually('the one that preempts nobody comes next by its priority', onNode('worker'), 'patient')
  })

  it('has it on a virtual node that stands for one leaf node as well, and waits where one stands for several', async () => {
    const { client, node, pod, eventually, told } = root
    const shapes = JSON.stringify([{ nodes: 1, free: { cpu: '1', memory: '8Gi', pods: '9' } }])
    const labels = { 'kosmos.io/node': 'true' }
    for (const [name, leafNodeMode] of Object.entries({ 'kosmos-one': 'one2one', 'kosmos-several': 'one2cluster' })) {
      await node(name, { labels, annotations: { leafNodeMode, 'kosmos.io/free-shapes': shapes } })
      // Bound by hand, and known to the virtual node, whose word includes it.
      await pod(`low-${name}`, 3, { nodeName: name })
      await client.patch(
        pods,
        { namespace, name: `low-${name}` },
        { status: { phase: 'Running' } },
        { type: 'merge', subresource: 'status' },
      )
    }
    await pod('second', 3, { ...high, nodeSelector: labels })
    await eventually('it is bound', onNode('kosmos-one'), 'second')
    assert.equal(await client.get(pods, { namespace, name: 'low-kosmos-one' }), undefined)
    await pod('third', 3, { ...high, nodeSelector: labels })
    await eventually(
      'it says why it waits',
      () => told.some((text) => /^NoRoom third: .*no single node has room/.test(text)),
      'third',
    )
    const third = await client.get(pods, { namespace, name: 'third' })
    assert.equal(third?.spec.schedulingGates?.length, 1)
    assert(await client.get(pods, { namespace, name: 'low-kosmos-several' }), 'nobody is preempted in vain')
  })
})
