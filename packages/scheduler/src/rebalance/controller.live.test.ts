import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type KubeObject, keyOf, type Node, type Pod, pods, resource } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { PlacementState } from '../placement/state.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { RebalanceController } from './controller.ts'

const budgets = resource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'Namespaced')

const leaf = (name: string): Node => ({
  metadata: { name: `kosmos-${name}`, uid: name, resourceVersion: '1', labels: { 'kosmos.io/cluster': name } },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})

describe('a policy that asks for rebalancing', () => {
  let root: AdmittingRoot
  before(async () => {
    root = await startAdmittingRoot('rebalance')
  })
  after(() => root?.stop())

  it('leaves nothing behind when it goes, whatever was known of its pods', async () => {
    const { client } = root
    const nodes = new Map(['leaf1', 'leaf2'].map((name) => [`kosmos-${name}`, leaf(name)]))
    const state = new PlacementState(nodes)
    for (const node of nodes.values()) state.vacancies.setNode(node, undefined)
    const policy = policyLike({
      allocationPolicy: [
        { name: 'leaf1', weight: 1 },
        { name: 'leaf2', weight: 1 },
      ],
      labelSelector: {},
      rebalance: { maxUnavailable: 1, afterSeconds: 0 },
    })
    state.setPolicy(policy)
    const known = new Map<string, Pod>()
    for (const name of ['a', 'b']) {
      const like = podLike({ name, labels: { app: 'web' }, owner: { kind: 'ReplicaSet', name: 'web-1' } })
      const { resourceVersion: _, uid: __, ...metadata } = like.metadata
      const spec = { nodeName: 'kosmos-leaf1', containers: [{ name: 'main', image: 'busybox' }] }
      const created = (await mustCreate(client, pods, { metadata, spec } as KubeObject)) as Pod
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } as Pod['status']
      const ready = await client.patch<Pod>(
        pods,
        created.metadata,
        { status },
        { type: 'merge', subresource: 'status' },
      )
      assert(ready.ok)
      known.set(keyOf(ready.object), ready.object)
      state.setPod(ready.object)
    }
    const metadata = { namespace: 'shop', name: 'web' }
    const spec = { maxUnavailable: 0, selector: { matchLabels: { app: 'web' } } }
    await mustCreate(client, budgets, { metadata, spec } as KubeObject)
    // As its controller would write it.
    const status = {
      observedGeneration: 1,
      disruptionsAllowed: 0,
      currentHealthy: 2,
      desiredHealthy: 2,
      expectedPods: 2,
    }
    await client.patch(budgets, metadata, { status }, { type: 'merge', subresource: 'status' })
    const told = Promise.withResolvers<string>()
    const rebalance = new RebalanceController({
      root: client,
      state,
      podOf: (key) => known.get(key),
      record: (_, { reason }) => told.resolve(reason),
      synced: Promise.resolve(),
    })
    const stop = new AbortController()
    const running = rebalance.controller.run(stop.signal)
    rebalance.changed(keyOf(policy))
    assert.equal(await told.promise, 'NotRebalanced')
    assert.equal(rebalance.remembered, 1)
    state.deletePolicy(policy)
    rebalance.changed(keyOf(policy))
    while (rebalance.remembered > 0) await new Promise(setImmediate)
    stop.abort()
    await running
  })
})
