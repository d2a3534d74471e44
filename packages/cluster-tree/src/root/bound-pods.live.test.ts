import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type Change,
  type Client,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { BoundPods } from './bound-pods.ts'
import { PodsOnNodes } from './pods-on-nodes.ts'

describe('pods of the root that are bound to a node', () => {
  let root: LiveCluster
  let proxy: FaultProxy
  let watching: Client
  let bound: BoundPods
  let running: Promise<void>
  const stop = new AbortController()

  before(async () => {
    root = await startCluster('root')
    await root.client.create(namespaces, { metadata: { name: 'shop' } })
    await root.client.create(serviceAccounts, { metadata: { namespace: 'shop', name: 'default' } })
    proxy = await startFaultProxy({ target: root.controlPlane })
    watching = await connect('root', proxy.kubeconfig)
    bound = new BoundPods(watching)
    running = bound.informer.run(stop.signal)
    await bound.informer.synced
  })
  after(async () => {
    stop.abort()
    await running
    await watching?.connection.close()
    await proxy?.close()
    await root?.end()
  })

  async function create(name: string, nodeName?: string): Promise<Pod> {
    const containers = [{ name: 'a', image: 'a' }]
    const spec = { containers, ...(nodeName && { nodeName }), automountServiceAccountToken: false }
    return unwrap(await root.client.create(pods, { metadata: { namespace: 'shop', name }, spec } as KubeObject)) as Pod
  }
  const remove = (name: string) => root.client.delete(pods, { namespace: 'shop', name }, { gracePeriodSeconds: 0 })
  const listen = (nodeName: string) => {
    const heard: string[] = []
    const end = bound.of(nodeName).subscribe(({ type, key }: Change<Pod>) => heard.push(`${type} ${key}`))
    return { heard, end }
  }

  it('are told to whoever stands for the node, and to nobody else', async () => {
    const [east, west] = [listen('kosmos-east'), listen('kosmos-west')]
    await create('e', 'kosmos-east')
    await create('unbound')
    await create('w', 'kosmos-west')
    await eventually('the last is heard of', () => west.heard.length > 0)
    assert.deepEqual([east.heard, west.heard], [['added shop/e'], ['added shop/w']])
    await remove('e')
    await eventually('its end is heard of', () => east.heard.includes('deleted shop/e'))
    east.end()
    west.end()
  })

  it('are heard of from the moment that the scheduler binds them', async () => {
    const { heard, end } = listen('kosmos-late')
    await create('late')
    const binding = { metadata: { name: 'late' }, target: { apiVersion: 'v1', kind: 'Node', name: 'kosmos-late' } }
    await root.client.createFor(pods, { namespace: 'shop', name: 'late' }, 'binding', binding as KubeObject)
    await eventually('it is heard of', () => heard.includes('added shop/late'))
    end()
  })

  it('are told at once to who comes later, and no longer to who has gone', async () => {
    await create('early', 'kosmos-north')
    await eventually('it is known', () => bound.informer.get('shop/early'))
    const [first, second] = [listen('kosmos-north'), listen('kosmos-north')]
    assert.deepEqual([first.heard, second.heard], [['added shop/early'], ['added shop/early']])
    first.end()
    await create('next', 'kosmos-north')
    await eventually('the next is heard of', () => second.heard.includes('added shop/next'))
    assert.deepEqual(first.heard, ['added shop/early'])
    assert.deepEqual([...bound.on('kosmos-north')].map(({ metadata }) => metadata.name).sort(), ['early', 'next'])
    second.end()
  })

  it('are found by who is told of them when their node is taken up', async () => {
    await create('waiting', 'kosmos-taken')
    await eventually('it is known', () => bound.informer.get('shop/waiting'))
    const onNodes = new PodsOnNodes(bound)
    const found: unknown[] = []
    onNodes.subscribe(({ key }) => found.push(onNodes.get(key)?.metadata.name))
    onNodes.add('kosmos-taken')
    assert.deepEqual(found, ['waiting'])
    onNodes.remove('kosmos-taken')
    assert.equal(onNodes.get('shop/waiting'), undefined)
  })

  it('are known to be old while the watch is broken, and who asked hears when it is back', async () => {
    let recoveries = 0
    let others = 0
    const end = bound.onRecovery(() => recoveries++)
    bound.onRecovery(() => others++)()
    assert(bound.isFollowing)
    proxy.cut()
    await eventually('the watch is broken', () => !bound.isFollowing)
    assert.equal(recoveries, 0)
    await create('meanwhile', 'kosmos-south')
    await proxy.restore()
    await eventually('it is back', () => bound.isFollowing)
    assert.equal(recoveries, 1)
    assert.equal(others, 0)
    await eventually('what happened meanwhile is known', () => bound.informer.get('shop/meanwhile'))
    end()
  })
})
