import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LeafModel, virtualNodeModels } from '@kosmos/api'
import { formatResources, type Node, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { MemberNodes } from './members.ts'
import { membership } from './membership.ts'

const group = (leafNodeName: string, pool: string): LeafModel => ({
  leafNodeName,
  nodeSelector: { labelSelector: { matchLabels: { pool } } },
})
const named = (nodeName: string): LeafModel => ({ nodeSelector: { nodeName } })
const modelsOf = (...models: readonly LeafModel[]) => virtualNodeModels('east', models)

const leafNode = (name: string, pool = '', cpu = '4'): Node => ({
  metadata: { name, uid: name, resourceVersion: '1', labels: { pool } },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    capacity: { cpu, pods: '10' },
    allocatable: { cpu, pods: '10' },
  },
})
const pod = (name: string, nodeName: string, cpu: string): Pod => ({
  metadata: { name, namespace: 'theirs', uid: name, resourceVersion: '1' },
  spec: { nodeName, containers: [{ name: 'main', resources: { requests: { cpu } } }] },
  status: { phase: 'Running' },
})

/** The leaf's nodes as its watch would show them, with what was told of virtual nodes. */
function leaf(...nodes: readonly Node[]) {
  const store = new Map(nodes.map((node) => [node.metadata.name, node]))
  const told: [string, number][] = []
  const informer = { get: (name: string) => store.get(name), store } as unknown as ConstructorParameters<
    typeof MemberNodes
  >[0]
  const members = new MemberNodes(informer, (name, afterMs) => told.push([name, afterMs]))
  return { store, told, members }
}

const namesOf = (nodes: Iterable<Node>) => [...nodes].map(({ metadata }) => metadata.name).sort()

describe('the leaf nodes behind a virtual node', () => {
  const names = ['n1', 'n2', 'n3', 'n4']
  const homes = ['kosmos-east', 'n1', 'n2', 'kosmos-gpu-0', 'kosmos-big-0']
  const model = fc.constantFrom(named('n1'), named('n2'), group('gpu', 'gpu'), group('big', 'big'))
  const step = fc.oneof(
    fc.record({
      node: fc.constantFrom(...names),
      pool: fc.constantFrom('', 'gpu', 'big'),
      cpu: fc.constantFrom('2', '4'),
    }),
    fc.record({ gone: fc.constantFrom(...names) }),
    fc.record({ models: fc.uniqueArray(model, { maxLength: 3 }) }),
  )

  it('are those that its model wants, whatever came before, and every change of them is told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { store, told, members } = leaf()
        let models = modelsOf()
        members.setModels(models)
        for (const one of steps) {
          const before = new Map(homes.map((home) => [home, namesOf(members.of(home))]))
          told.length = 0
          if ('node' in one) {
            store.set(one.node, leafNode(one.node, one.pool, one.cpu))
            members.setLeafNode(store.get(one.node) ?? assert.fail())
          } else if ('gone' in one) {
            store.delete(one.gone)
            members.removeLeafNode(one.gone)
          } else {
            models = modelsOf(...one.models)
            members.setModels(models)
          }
          const { homeOf } = membership(models)
          for (const home of homes) {
            const wanted = namesOf([...store.values()].filter((node) => homeOf(node) === home))
            assert.deepEqual(namesOf(members.of(home)), wanted)
            const isTold = told.some(([name]) => name === home)
            if (String(before.get(home)) !== String(wanted)) assert(isTold, `${home} was not told`)
          }
        }
        const fresh = leaf(...store.values()).members
        fresh.setModels(models)
        for (const home of homes) {
          const [a, b] = [members, fresh].map((one) => formatResources(one.behind(home).offer.allocatable))
          assert.deepEqual(a, b)
        }
      }),
    )
  })
})

describe('the room behind a virtual node', () => {
  const largest = (members: MemberNodes) => members.behind('kosmos-east').room.largest

  it('is added up at once the first time, and later when it is time again', (context) => {
    let now = 100
    context.mock.method(performance, 'now', () => now)
    const { members, told } = leaf(leafNode('n1'))
    members.setModels(modelsOf())
    assert.deepEqual(largest(members), { cpu: '4' })
    members.setForeignPod(pod('theirs', 'n1', '3'))
    assert.deepEqual(told.at(-1), ['kosmos-east', 500])
    const early = members.behind('kosmos-east')
    assert.deepEqual(early.again, { afterMs: 5_000 })
    assert.deepEqual(early.room.largest, { cpu: '4' })
    // The sum is no more than an addition, and does not wait.
    assert.equal(formatResources(early.offer.allocatable).cpu, '1')
    now += 5_000
    assert.deepEqual(largest(members), { cpu: '1' })
    assert.equal(members.behind('kosmos-east').again, undefined)
  })

  it('is less what our copies take, which the sum is not, and told of later', () => {
    const { members, told } = leaf(leafNode('n1'))
    members.setModels(modelsOf())
    members.setCopy(pod('ours', 'n1', '3'))
    assert.deepEqual(told.at(-1), ['kosmos-east', 5_000])
    const { room, empty, offer } = members.behind('kosmos-east')
    assert.deepEqual(room.largest, { cpu: '1' })
    assert.deepEqual(empty, [{ nodes: 1, free: { cpu: '4', pods: '10' } }])
    assert.equal(formatResources(offer.allocatable).cpu, '4')
  })

  it('is of nothing when its virtual node is gone and comes again with other leaf nodes', () => {
    const { members } = leaf(leafNode('n1'))
    members.setModels(modelsOf())
    assert.notEqual(largest(members), undefined)
    members.removeLeafNode('n1')
    members.forget('kosmos-east')
    assert.equal(largest(members), undefined)
  })
})
