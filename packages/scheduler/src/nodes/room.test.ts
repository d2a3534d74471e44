import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, parseResources } from '@kosmos/kube'
import { type Bin, bestFit, binsOf, hasRoom, lackIn } from './room.ts'

const node = (annotations: Record<string, string> = {}, allocatable?: Record<string, string>) => ({
  metadata: { name: 'n', uid: 'u', resourceVersion: '1', annotations },
  status: { ...(allocatable && { allocatable }) },
})
const shapes = (...all: object[]) => ({ 'kosmos.io/free-shapes': JSON.stringify(all) })
const none = parseResources({})
const plain = (bins: readonly Bin[] | undefined) => bins?.map(({ machines, free }) => [machines, formatResources(free)])

describe('the machines of a node', () => {
  it('are those that a virtual node publishes', () => {
    const virtual = node(shapes({ nodes: 3, free: { cpu: '4' } }, { nodes: 1, free: { cpu: '1' } }), { cpu: '13' })
    assert.deepEqual(plain(binsOf(virtual, none)), [
      [3, { cpu: '4' }],
      [1, { cpu: '1' }],
    ])
  })

  it('are itself, less what its pods take', () => {
    assert.deepEqual(plain(binsOf(node({}, { cpu: '4', pods: '10' }), parseResources({ cpu: '3', pods: '2' }))), [
      [1, { cpu: '1', pods: '8' }],
    ])
  })

  it('are not known where nothing, or nonsense, is said', () => {
    assert.equal(binsOf(node(), none), undefined)
    for (const text of ['', '{', '{"nodes": 1}', '[{"nodes": 1, "free": {"cpu": "lots"}}]']) {
      assert.equal(binsOf(node({ 'kosmos.io/free-shapes': text }), none), undefined, text)
    }
  })
})

describe('the room of a machine', () => {
  it('is minded for what is asked for: of what is not, it may have too little or none at all', () => {
    const free = parseResources({ cpu: '2', memory: '-1Gi', pods: '1' })
    assert(hasRoom(free, parseResources({ cpu: '2', memory: '0', 'nvidia.com/gpu': '0' })))
    assert(!hasRoom(free, parseResources({ cpu: '2', 'nvidia.com/gpu': '1' })))
    assert(!hasRoom(free, parseResources({ cpu: '2001m' })))
  })

  it('lacks as much as the scarcest resource of the best machine, of those that are there', () => {
    const of = (machines: number, cpu: string) => ({ machines, free: parseResources({ cpu, memory: '8Gi' }) })
    const asked = parseResources({ cpu: '4', memory: '4Gi', pods: '0' })
    assert.equal(lackIn([of(1, '1'), of(2, '3'), of(0, '4')], asked), 0.25)
    assert.equal(lackIn([], asked), 1)
  })
})

describe('the fit of a node', () => {
  const cpu = (amount: number) => parseResources({ cpu: `${amount}` })

  it('is that of the machine which is filled best, of those that have room', () => {
    const bins = [
      { machines: 2, free: cpu(8) },
      { machines: 1, free: cpu(2) },
      { machines: 0, free: cpu(4) },
    ]
    assert.deepEqual(
      [1, 2, 4, 8, 9].map((amount) => bestFit(bins, cpu(amount))),
      [75, 100, 75, 100, undefined],
    )
  })

  it('is none where a machine lacks a kind of resource', () => {
    assert.equal(
      bestFit([{ machines: 1, free: cpu(8) }], parseResources({ cpu: '1', 'nvidia.com/gpu': '1' })),
      undefined,
    )
  })
})
