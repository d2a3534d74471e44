import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Client,
  type CoreEvent,
  coreEvents,
  EventRecorder,
  eventRef,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { LeafEvents } from './mirror.ts'

const namespace = 'shop'

describe('Events of a leaf on real API servers', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let rootPod: Pod
  let leafPod: Pod
  const refused: string[] = []

  const createPod = async (client: Client, name: string) =>
    unwrap(
      await client.create(pods, {
        metadata: { namespace, name },
        spec: { containers: [{ name: 'main', image: 'x' }] },
      } as KubeObject),
    ) as Pod

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    rootPod = await createPod(root.client, 'web')
    leafPod = await createPod(leaf.client, 'web')
  })
  after(async () => await Promise.all([root?.end(), leaf?.end()]))

  /** One life of the process. @param following is called when it has heard of what there was */
  const start = (following = () => {}) => {
    const stop = new AbortController()
    const events = new LeafEvents({
      root: root.client,
      leaf: leaf.client,
      clusterName: 'east',
      kind: 'Pod',
      rootObjectOf: (_namespace, name, uid) => (name === 'web' && uid === leafPod.metadata.uid ? rootPod : undefined),
      words: (_about, said) => said.replace('kosmos-copy-1', 'settings'),
      onState: ({ kind }) => kind === 'following' && following(),
      onRefused: (reason) => refused.push(reason),
    })
    const running = events.run(stop.signal)
    return async () => {
      stop.abort()
      await running
    }
  }
  /** As a kubelet writes them. */
  const tell = async (pod: Pod, name: string, fields: object) => {
    const now = new Date().toISOString().replace(/\.\d+/, '')
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', namespace, name: pod.metadata.name, uid: pod.metadata.uid }
    const base = { metadata: { namespace, name }, involvedObject, source: { component: 'kubelet', host: 'worker' } }
    const times = { firstTimestamp: now, lastTimestamp: now, count: 1, type: 'Normal', message: 'x' }
    return unwrap(await leaf.client.create(coreEvents, { ...base, ...times, ...fields } as KubeObject))
  }
  const told = async () => await root.client.listAll(coreEvents, { namespace })
  const shown = (what: string, look: (event: CoreEvent) => boolean) =>
    eventually(what, async () => (await told()).find(look))

  it('appear on the root pod, follow their count, and are the same ones after a restart', async () => {
    let end = start()
    await tell(leafPod, 'web.1', { reason: 'BackOff', type: 'Warning', message: 'Back-off for kosmos-copy-1' })
    const event = await shown('the Event', ({ reason }) => reason === 'BackOff')
    assert.equal(event.involvedObject.uid, rootPod.metadata.uid)
    assert.deepEqual(event.source, { component: 'kubelet', host: 'worker (east)' })
    assert.equal(event.message, 'Back-off for settings')
    await leaf.client.patch(coreEvents, { namespace, name: 'web.1' }, { count: 5 }, { type: 'merge' })
    await shown('its count', ({ reason, count }) => reason === 'BackOff' && count === 5)
    await end()
    await leaf.client.patch(coreEvents, { namespace, name: 'web.1' }, { count: 9 }, { type: 'merge' })
    end = start()
    await shown('what happened meanwhile', ({ reason, count }) => reason === 'BackOff' && count === 9)
    assert.equal((await told()).length, 1)
    await end()
  })

  it('of other pods and those that say nothing new are not told', async () => {
    const end = start()
    const foreign = await createPod(leaf.client, 'foreign')
    await tell(foreign, 'foreign.1', { reason: 'Killing' })
    await tell(leafPod, 'web.2', { reason: 'Scheduled' })
    await tell({ ...leafPod, metadata: { ...leafPod.metadata, uid: 'an-earlier-one' } }, 'web.3', { reason: 'Started' })
    await tell(leafPod, 'web.4', { reason: 'Pulled' })
    await shown('the last of them', ({ reason }) => reason === 'Pulled')
    const reasons = (await told()).map(({ reason }) => reason).sort()
    assert.deepEqual(reasons, ['BackOff', 'Pulled'])
    await end()
  })

  it('are taken by the root in the form of the newer API as well', async () => {
    const end = start()
    const recorder = new EventRecorder({ client: leaf.client, controller: 'example.com/scheduler' })
    recorder.record(eventRef(leafPod), {
      type: 'Warning',
      reason: 'FailedScheduling',
      action: 'Scheduling',
      note: 'no room',
    })
    const event = await shown('the Event', ({ reason }) => reason === 'FailedScheduling')
    assert.deepEqual([event.message, event.source], ['no room', { component: 'example.com/scheduler (east)' }])
    await recorder.flush()
    await end()
    assert.deepEqual(refused, [])
  })

  it('are not told beyond what an object may have, of each type by itself', async () => {
    const end = start()
    await tell(leafPod, 'flood.begin', { reason: 'Pulling' })
    await shown('that it follows', ({ reason }) => reason === 'Pulling')
    for (let n = 0; n < 30; n++) {
      await tell(leafPod, `flood.${n}`, { reason: 'Unhealthy', type: 'Warning', message: `probe ${n}` })
    }
    await tell(leafPod, 'flood.end', { reason: 'Created' })
    await shown('what is no warning', ({ reason }) => reason === 'Created')
    const flood = (await told()).filter(({ reason }) => reason === 'Unhealthy')
    assert.equal(flood.length, 25)
    await end()
  })

  it('of before a restart are written no second time, and take nothing from what is new', async () => {
    const before = await told()
    const following = Promise.withResolvers<void>()
    const end = start(following.resolve)
    // What is there by then has to share with all that was there before.
    await following.promise
    await tell(leafPod, 'news', { reason: 'FailedMount', type: 'Warning' })
    await shown('what is new', ({ reason }) => reason === 'FailedMount')
    const versions = (all: readonly CoreEvent[]) => all.map(({ metadata }) => [metadata.name, metadata.resourceVersion])
    const after = (await told()).filter(({ reason }) => reason !== 'FailedMount')
    // Of more than it may tell, the leaf lists which it likes first.
    const known = new Set(before.map(({ metadata }) => metadata.name))
    assert.deepEqual(versions(after.filter(({ metadata }) => known.has(metadata.name))), versions(before))
    await end()
  })
})
