import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Informer, type Node, nodes, type Pod, pods } from '@kosmos/kube'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

const namespace = 'default'
const run = promisify(execFile)

/** The two leaves have nodes of the same names, as clusters made by one template do. */
describe('a leaf as several virtual nodes', () => {
  let platform: Platform

  before(async () => {
    platform = await startPlatform('node-models', { leaves: 2, nodes: 'kwok:4' })
    const [leaf] = platform.leaves
    for (const [name, pool] of [
      ['kwok-0', 'gpu'],
      ['kwok-1', 'gpu'],
      ['kwok-2', 'web'],
    ] as const) {
      await leaf?.patch(nodes, { name }, { metadata: { labels: { pool } } }, { type: 'merge' })
    }
  })
  after(() => platform?.down())

  const models = (cluster: string, ...leafModels: object[]) => setTreeOptions(platform.root, cluster, { leafModels })
  const group = (pool: string, more: object = {}) => ({
    leafNodeName: pool,
    nodeSelector: { labelSelector: { matchLabels: { pool } } },
    ...more,
  })
  const one = (nodeName: string) => ({ nodeSelector: { nodeName } })
  const virtualNodesOf = async (cluster: string) =>
    (await platform.root.listAll(nodes, { labelSelector: `kosmos.io/cluster=${cluster}` }))
      .map(({ metadata }) => metadata.name)
      .sort()
  const eventuallyNodes = (cluster: string, ...names: string[]) =>
    eventually(`${cluster} has ${names}`, async () => {
      const there = await virtualNodesOf(cluster)
      return there.length === names.length && there.every((name, i) => name === names[i])
    })
  const isReady = (node: Node | undefined) =>
    node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  const nodeReady = (name: string) =>
    eventually(`${name} is Ready`, async () => isReady(await platform.root.get(nodes, { name })))
  const running = (name: string) =>
    eventually(`${name} runs`, async () => {
      const found = await platform.root.get(pods, { namespace, name })
      return found?.status?.phase === 'Running' && found
    })
  const on = (nodeName: string) => ({ spec: { nodeSelector: { 'kubernetes.io/hostname': nodeName } } })
  const copyOf = async (name: string): Promise<Pod> =>
    (await platform.leaves[0]?.get(pods, { namespace, name })) ?? assert.fail(`${name} has no copy`)
  const conditionOf = (cluster: string, expected: string) =>
    eventually(`Cluster ${cluster} says ${expected}`, async () => {
      const { stdout } = await platform.kubectl([
        'get',
        `clusters.kosmos.io/${cluster}`,
        '-o=jsonpath={.status.conditions[?(@.type=="VirtualNodesReady")]}',
      ])
      return stdout.includes(`"reason":"${expected}"`) && stdout
    })

  const onNode = async (nodeName: string) =>
    (await platform.root.listAll(pods, { namespace })).filter(({ spec }) => spec.nodeName === nodeName)

  it('gives every group of its nodes a virtual node, with their capacity, their labels and their taints', async () => {
    await models('leaf1', group('gpu', { labels: { tier: 'gold' } }), group('web'), one('kwok-3'))
    await eventuallyNodes('leaf1', 'kosmos-gpu-0', 'kosmos-web-0', 'kwok-3')
    await nodeReady('kosmos-gpu-0')
    // The Cluster may be heard of before the labels of its nodes.
    const gpu = await eventually('it stands for both nodes', async () => {
      const found = await platform.root.get(nodes, { name: 'kosmos-gpu-0' })
      return found?.status?.allocatable?.cpu === '128' && found
    })
    assert.equal(gpu.metadata.labels?.tier, 'gold')
    await nodeReady('kwok-3')
  })

  it('runs a pod on the leaf nodes that its virtual node stands for', async () => {
    await platform.apply(
      pod('on-gpu', on('kosmos-gpu-0')),
      pod('on-web', on('kosmos-web-0')),
      pod('on-3', on('kwok-3')),
    )
    await Promise.all(['on-gpu', 'on-web', 'on-3'].map(running))
    assert.match((await copyOf('on-gpu')).spec.nodeName ?? '', /^kwok-[01]$/)
    assert.equal((await copyOf('on-web')).spec.nodeName, 'kwok-2')
    assert.equal((await copyOf('on-3')).spec.nodeName, 'kwok-3')
  })

  it('shows the taints of its leaf node, so that only pods that tolerate them come', async () => {
    const taints = [{ key: 'special', value: 'yes', effect: 'NoSchedule' }]
    const [leaf] = platform.leaves
    await leaf?.patch(nodes, { name: 'kwok-3' }, { spec: { taints } }, { type: 'merge' })
    await eventually('it is shown', async () => {
      const node = await platform.root.get(nodes, { name: 'kwok-3' })
      return node?.spec?.taints?.some(({ key }) => key === 'special')
    })
    await leaf?.patch(nodes, { name: 'kwok-3' }, { spec: { taints: null } }, { type: 'merge' })
    await eventually('it is gone', async () => {
      const node = await platform.root.get(nodes, { name: 'kwok-3' })
      return !node?.spec?.taints?.some(({ key }) => key === 'special')
    })
  })

  it('lets pods that still have a home run when groups change, also over a restart', async () => {
    const uids = async () =>
      Promise.all(['on-gpu', 'on-web', 'on-3'].map(async (name) => (await copyOf(name)).metadata.uid))
    const before = await uids()
    await models('leaf1', one('kwok-3'), group('web'), group('gpu'))
    await platform.killClusterTree()
    await platform.startClusterTree()
    await platform.apply(pod('later', on('kosmos-gpu-0')))
    await running('later')
    assert.deepEqual(await uids(), before)
    assert.deepEqual(await virtualNodesOf('leaf1'), ['kosmos-gpu-0', 'kosmos-web-0', 'kwok-3'])
  })

  describe('a group that is given up', () => {
    const budget = (minAvailable: number | string) => ({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'shop', namespace },
      spec: { minAvailable, selector: { matchLabels: { app: 'shop' } } },
    })
    const cordon = (how: 'cordon' | 'uncordon') => platform.kubectl([how, 'kosmos-gpu-0', 'kwok-3'])
    const closed = new AbortController()
    let shop: Informer<Pod>
    let watching: Promise<void>
    let fewest = 4
    const available = () => [...shop.store.values()].filter((one) => isOpen(one)).length
    /** The pods themselves: what a Deployment says of them comes later, and skips states. */
    const shopPods = async () =>
      (await platform.root.listAll(pods, { namespace, labelSelector: 'app=shop' })).map(({ metadata }) => metadata)

    before(async () => {
      shop = new Informer<Pod>({ client: platform.root, resource: pods, labelSelector: 'app=shop' })
      watching = shop.run(closed.signal)
      // All of it comes to the group, and nothing can take its place elsewhere until that is wanted.
      await cordon('cordon')
      await platform.apply(budget('100%'), deployment('shop', 4, { cluster: 'leaf1' }))
      await eventually('the shop is open', () => available() === 4)
      await eventually('its budget counts its pods', async () => {
        const { stdout } = await platform.kubectl(['get', 'pdb/shop', '-o=jsonpath={.status.currentHealthy}'])
        return stdout === '4'
      })
    })
    after(async () => {
      closed.abort()
      await watching
      await cordon('uncordon')
    })

    it('keeps its pods while their disruption budget allows none to go, and says so', async () => {
      const before = (await shopPods()).map(({ uid }) => uid)
      await models('leaf1', group('gpu'), one('kwok-3'))
      const said = /kosmos-web-0 is given up.*; pod default\/shop-.*budget shop needs 4 healthy pods and has 4/
      await eventually('its Cluster says so', async () => said.test(await conditionOf('leaf1', 'VirtualNodesReady')))
      await eventually('each of its pods says so', async () => {
        const { stdout } = await platform.kubectl(['get', 'events', '--field-selector=reason=NotEvicted'])
        return (await shopPods()).every(({ name }) => stdout.includes(`pod/${name} `))
      })
      const now = await shopPods()
      assert.deepEqual([now.map(({ uid }) => uid), now.map(({ deletionTimestamp }) => deletionTimestamp)].flat(), [
        ...before,
        ...before.map(() => undefined),
      ])
      await eventually('an Event says so', async () => {
        const { stdout } = await platform.kubectl(['get', 'events', '--field-selector=reason=VirtualNodeRetiring'])
        return /kosmos-web-0/.test(stdout)
      })
    })

    it('lets go as many as the budget allows, and no other before these are replaced', async () => {
      shop.subscribe(() => {
        fewest = Math.min(fewest, available())
      })
      await platform.apply(budget(3))
      await eventually('one goes, and the others are held back', async () => {
        return (await conditionOf('leaf1', 'VirtualNodesReady')).includes('needs 3 healthy pods and has 3')
      })
      await eventually('one has gone', () => available() === 3)
      assert.equal(fewest, 3)
    })

    it('goes when the last of them has another place', async () => {
      await cordon('uncordon')
      await eventually('its pods are elsewhere', async () => {
        return (await virtualNodesOf('leaf1')).length === 2 && available() === 4
      })
      assert.equal(fewest, 3)
      assert.deepEqual(await onNode('kosmos-web-0'), [])
      await eventually('nothing is said of it any more', async () => {
        return !(await conditionOf('leaf1', 'VirtualNodesReady')).includes('kosmos-web-0')
      })
    })
  })

  it('says which models contradict each other, and goes on as before', async () => {
    await models(
      'leaf1',
      group('gpu'),
      { nodeSelector: { labelSelector: { matchLabels: { zone: 'a' } } } },
      one('kwok-3'),
    )
    assert.match(await conditionOf('leaf1', 'LeafModelsOverlap'), /leafModels\[0\] and leafModels\[1\]/)
    await platform.apply(pod('meanwhile', on('kosmos-gpu-0')))
    await running('meanwhile')
    await models('leaf1', group('gpu'), one('kwok-3'))
    await conditionOf('leaf1', 'VirtualNodesReady')
  })

  it('does not take the name of a node that another leaf has given the root', async () => {
    await models('leaf2', one('kwok-3'))
    assert.match(await conditionOf('leaf2', 'NodeNameTaken'), /kwok-3/)
    assert.deepEqual(await virtualNodesOf('leaf1'), ['kosmos-gpu-0', 'kwok-3'])
    await running('on-3')
    const before = await running('on-3')
    await models('leaf2')
    await conditionOf('leaf2', 'VirtualNodesReady')
    assert.equal((await running('on-3')).metadata.uid, before.metadata.uid)
  })

  it('says which node a model names in vain', async () => {
    await models('leaf1', group('gpu'), one('kwok-3'), one('kwok-9'))
    assert.match(await conditionOf('leaf1', 'LeafNodeNotFound'), /kwok-9/)
    await models('leaf1', group('gpu'), one('kwok-3'))
    await conditionOf('leaf1', 'VirtualNodesReady')
  })

  it('is what kosmosctl join says when it is run again, and stays so when it says nothing of it', async () => {
    const [kubeconfig = ''] = platform.testbed.leaves.map(({ kubeconfig }) => kubeconfig)
    const main = path.resolve(import.meta.dirname, '../../packages/kosmosctl/src/main.ts')
    const joinAgain = async (...flags: string[]) => {
      const root = ['--root-kubeconfig', platform.testbed.root.kubeconfig]
      const args = [main, 'join', 'leaf1', '--kubeconfig', kubeconfig, ...root, ...flags]
      return (await run(process.execPath, args)).stdout
    }
    const said = await joinAgain('--group', 'gpu=pool=gpu', '--group', 'rest=pool!=gpu')
    assert.match(said, /joined: kosmos-gpu-0, kosmos-rest-0 Ready/)
    await eventuallyNodes('leaf1', 'kosmos-gpu-0', 'kosmos-rest-0')
    assert.match(await joinAgain(), /joined: kosmos-gpu-0, kosmos-rest-0 Ready/)
    assert.match(await joinAgain('--node-selector', 'pool=web'), /joined: kwok-2 Ready/)
    await eventuallyNodes('leaf1', 'kwok-2')
    assert.match(await joinAgain('--model', 'cluster'), /joined: kosmos-leaf1 Ready/)
    await eventuallyNodes('leaf1', 'kosmos-leaf1')
  })
})

function isOpen({ metadata, status }: Pod): boolean {
  const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return isReady && metadata.deletionTimestamp === undefined
}
