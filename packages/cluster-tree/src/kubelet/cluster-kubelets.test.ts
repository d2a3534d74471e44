import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Connection, Pod } from '@kosmos/kube'
import { type NodeContext, StatsUnavailable } from '@kosmos/kubelet'
import { ClusterKubelets } from './cluster-kubelets.ts'
import type { KubeletEndpoint } from './kubelets.ts'

const query = { namespace: 'shop', pod: 'web' }
const pod = { metadata: { namespace: 'shop', name: 'web' } } as Pod

/** A node as one connection to its leaf sees it. */
const context = (version: string, nodeName = 'kosmos-east'): NodeContext => {
  const connection = { name: 'east' } as Connection
  return {
    nodeName,
    version,
    pods: { list: () => [], locate: ({ pod: name, namespace }) => ({ kind: 'found', connection, namespace, name }) },
    leafNodes: { connection, names: () => [`worker of ${version}`], copies: () => new Map() },
  }
}

describe('the kubelets of a Cluster', () => {
  let started: { node: NodeContext; listen: (port: number) => void; isClosed: boolean }[]
  let kubelets: ClusterKubelets
  let heard: string[]
  const listening = (what: string) => () => void heard.push(what)

  beforeEach(() => {
    started = []
    heard = []
    const serve = (node: NodeContext, listening: () => void) => {
      let endpoint: KubeletEndpoint | undefined
      const listen = (port: number) => {
        endpoint = { address: '10.0.0.7', port }
        listening()
      }
      const one = { node, listen, isClosed: false }
      started.push(one)
      return {
        get endpoint() {
          return endpoint
        },
        close: async () => {
          one.isClosed = true
        },
      }
    }
    kubelets = new ClusterKubelets({ serve }, { on: (node) => (node === 'kosmos-east' ? [pod] : []) })
  })

  it('are led to the next connection, which knows at once where they listen', () => {
    const first = kubelets.serve(context('v1.36.0'), listening('first'))
    assert.equal(first.endpoint, undefined)
    started[0]?.listen(10250)
    first.disconnect()
    const second = kubelets.serve(context('v1.37.0'), listening('second'))
    assert.deepEqual(second.endpoint, { address: '10.0.0.7', port: 10250 })
    assert.deepEqual(heard, ['first', 'second'])
    assert.equal(started.length, 1)
    assert.equal(started[0]?.node.version, 'v1.37.0')
    assert.deepEqual([...(started[0]?.node.leafNodes.names() ?? [])], ['worker of v1.37.0'])
  })

  it('tell the connection that is there when they listen, not one that has ended', () => {
    kubelets.serve(context('v1.36.0'), listening('first')).disconnect()
    kubelets.serve(context('v1.37.0'), listening('second'))
    assert.deepEqual(heard, [])
    started[0]?.listen(10250)
    assert.deepEqual(heard, ['second'])
  })

  it('know their pods between connections, but nobody gets to them', async () => {
    kubelets.serve(context('v1.36.0'), () => {}).disconnect()
    const { pods, leafNodes } = started[0]?.node ?? assert.fail()
    assert.deepEqual([...pods.list()], [pod])
    const message = 'node kosmos-east is not connected to cluster east now'
    assert.deepEqual(await pods.locate(query), { kind: 'unavailable', message })
    assert.throws(() => leafNodes.names(), StatsUnavailable)
  })

  it('end with their node, or with all', async () => {
    const gone = kubelets.serve(context('v1.36.0'), () => {})
    kubelets.serve(context('v1.36.0', 'worker-1'), () => {}).disconnect()
    await gone.close()
    assert.deepEqual(
      started.map(({ isClosed }) => isClosed),
      [true, false],
    )
    kubelets.serve(context('v1.37.0'), () => {})
    assert.equal(started.length, 3)
    await kubelets.close()
    assert(started.every(({ isClosed }) => isClosed))
  })
})
