import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootUidAnnotation } from '@kosmos/api'
import { join, silent } from '@kosmos/kosmosctl'
import { type Node, nodes, type Pod, pods } from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

const namespace = 'default'

/** leaf1 fails over and freezes, leaf2 is where its pods go, leaf3 holds its pods while only the line to it is frozen. */
describe('leaves that go away and come back', () => {
  let platform: Platform
  let line: FaultProxy
  let heldBefore: { root: Pod; copy: Pod }
  let dbBefore: Pod

  before(async () => {
    platform = await startPlatform('leaf-loss', { leaves: 3, nodes: 'kwok:1' })
    const leaf3 = platform.testbed.leaves[2]
    assert(leaf3)
    line = await startFaultProxy({ target: leaf3 })
    const root = { file: platform.testbed.root.kubeconfig }
    await join({ name: leaf3.name, root, leaf: { file: leaf3.kubeconfig }, server: line.server }, silent)
    await options('leaf1', { onLeafLoss: 'Failover', failoverAfterSeconds: 1 })
    await options('leaf3', { onLeafLoss: 'Hold' })
  })
  after(async () => {
    await line?.close()
    await platform?.down()
  })

  const options = (name: string, fields: object) => setTreeOptions(platform.root, name, fields)
  const leaf = (n: number) => platform.leaves[n - 1] ?? assert.fail()
  const frozen = () => platform.testbed.leaves[0] ?? assert.fail()
  const inRoot = (name: string) => platform.root.get(pods, { namespace, name })
  const inLeaf = (n: number, name: string) => leaf(n).get(pods, { namespace, name })
  const running = (name: string) =>
    eventually(`${name} runs`, async () => {
      const found = await inRoot(name)
      return found?.status?.phase === 'Running' && isReady(found) && found
    })
  const events = async (reason: string) =>
    (await platform.kubectl(['get', 'events', '-A', `--field-selector=reason=${reason}`])).stdout
  const virtualNode = (n: number) => platform.root.get(nodes, { name: `kosmos-leaf${n}` })

  it('run what a StatefulSet and a careless user want', async () => {
    const term = { matchExpressions: [{ key: 'kosmos.io/cluster', operator: 'In', values: ['leaf1'] }] }
    const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: term }] }
    const labels = { app: 'db' }
    const db = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace },
      spec: {
        replicas: 1,
        serviceName: 'db',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec({ spec: { affinity: { nodeAffinity: preferred } } }) },
      },
    }
    const hasty = {
      key: 'node.kubernetes.io/unreachable',
      effect: 'NoExecute',
      operator: 'Exists',
      tolerationSeconds: 1,
    }
    const [tolerated] = podSpec().tolerations
    await platform.apply(db, pod('held', { cluster: 'leaf3', spec: { tolerations: [tolerated, hasty] } }))
    dbBefore = await running('db-0')
    assert.equal(dbBefore.spec.nodeName, 'kosmos-leaf1')
    await running('held')
    const root = await eventually('it is held', async () => {
      const found = await inRoot('held')
      return found?.spec.tolerations?.every(({ tolerationSeconds }) => tolerationSeconds === undefined) && found
    })
    heldBefore = { root, copy: (await inLeaf(3, 'held')) ?? assert.fail() }
  })

  it('move nothing while there is nowhere to go, and say so', async () => {
    // leaf3 too: its node is called lost a moment later than that of leaf1, and until then it would do.
    await platform.kubectl(['cordon', 'kosmos-leaf2', 'kosmos-leaf3'])
    await frozen().pause('kube-apiserver')
    line.freeze()
    await platform.killClusterTree()
    await platform.startClusterTree()
    await eventually('it is said', async () => /kosmos-leaf1/.test(await events('NoAlternative')))
    assert.equal((await inRoot('db-0'))?.metadata.uid, dbBefore.metadata.uid)
    await eventually('no Service sends it traffic', async () => !isReady(await inRoot('db-0')))
    assert.equal((await inRoot('db-0'))?.metadata.uid, dbBefore.metadata.uid)
  })

  it('have their pods replaced elsewhere as soon as there is another node, also those of a StatefulSet', async () => {
    await platform.kubectl(['uncordon', 'kosmos-leaf2'])
    const moved = await eventually('it runs elsewhere', async () => {
      const found = await inRoot('db-0')
      return found?.metadata.uid !== dbBefore.metadata.uid && isReady(found) && found
    })
    assert.equal(moved.spec.nodeName, 'kosmos-leaf2')
    await eventually('it is said', async () => /kosmos-leaf1/.test(await events('FailedOver')))
  })

  it('keep the pods that are to be held, which are not Ready meanwhile', async () => {
    // Leases of nodes run out one after the other.
    await eventually('its node is called lost', async () => !isReady((await virtualNode(3)) ?? assert.fail()))
    const held = await eventually('it is not Ready', async () => {
      const seen = (await inRoot('held')) ?? assert.fail()
      return !isReady(seen) && seen
    })
    assert.equal(held.metadata.uid, heldBefore.root.metadata.uid)
    assert.equal(held.metadata.deletionTimestamp, undefined)
  })

  it('take pods again when what was replaced is gone from them', async () => {
    frozen().resume('kube-apiserver')
    await line.restore()
    const left = await eventually('the node is back in service', async () => {
      const node = await virtualNode(1)
      const isOut = node?.spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service')
      // At the first sight of it, whether it is Ready by then or not.
      return node && !isOut && { copy: await inLeaf(1, 'db-0') }
    })
    assert.equal(left.copy, undefined, 'the old copy has gone first')
    await eventually('the node is Ready', async () => isReady((await virtualNode(1)) ?? assert.fail()))
    await eventually('it is said', async () => /kosmos-leaf1/.test(await events('FailoverEnded')))
    const now = await running('db-0')
    assert.equal((await inLeaf(2, 'db-0'))?.metadata.annotations?.[rootUidAnnotation], now.metadata.uid)
  })

  it('have what was held running as if nothing had been', async () => {
    const held = await running('held')
    assert.equal(held.metadata.uid, heldBefore.root.metadata.uid)
    const copy = await inLeaf(3, 'held')
    assert.equal(copy?.metadata.uid, heldBefore.copy.metadata.uid)
    assert.equal(copy?.status?.containerStatuses?.[0]?.restartCount, 0)
  })

  it('let go what was held when the Cluster no longer says so', async () => {
    await options('leaf3', { onLeafLoss: 'Evict' })
    await eventually('it is let go', async () => {
      const tolerations = (await inRoot('held'))?.spec.tolerations
      return tolerations?.some(({ key, tolerationSeconds }) => key?.endsWith('unreachable') && tolerationSeconds === 1)
    })
  })

  it('have their pods deleted after the seconds that these tolerate, as of any node, where the Cluster says nothing else', async () => {
    line.freeze()
    const evicted = await eventually('it is evicted', async () => {
      const seen = await inRoot('held')
      return seen?.metadata.deletionTimestamp !== undefined && seen
    })
    assert.equal(evicted.metadata.uid, heldBefore.root.metadata.uid)
    assert.equal((await inLeaf(3, 'held'))?.metadata.deletionTimestamp, undefined, 'nobody gets there')
    await line.restore()
    await eventually('both are gone', async () => !(await inRoot('held')) && !(await inLeaf(3, 'held')))
  })

  it('know no other policy', async () => {
    const refused = await options('leaf3', { onLeafLoss: 'Pray' })
    assert.match(refused.ok ? '' : (refused.status.message ?? ''), /supported values: "Evict", "Hold", "Failover"/)
  })
})

function isReady(object: Pod | Node | undefined): boolean {
  return object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
