import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Pod, toleratesTaint } from '@kosmos/kube'
import fc from 'fast-check'
import { tolerationPatch } from '../../../leaf-loss/held-tolerations.ts'
import type { Home } from '../../../nodes/home.ts'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

type Toleration = NonNullable<Pod['spec']['tolerations']>[number]

const lost = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const bearing = (tolerationSeconds?: number): Toleration[] =>
  lost.map((key) => ({
    key,
    effect: 'NoExecute',
    operator: 'Exists',
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  }))
const virtualNode: Toleration = { key: 'kosmos.io/node', operator: 'Exists' }
const carried = (tolerations: readonly Toleration[], annotations = {}, home: Home = { kind: 'cluster' }) =>
  translate(rootPod({ spec: { tolerations }, metadata: { annotations } }), { ...ctx, home }).pod.spec.tolerations

describe('a copy on a leaf node that is lost', () => {
  it('is waited for as long as the root pod says, in every model', () => {
    assert.deepEqual(carried([virtualNode, ...bearing(10)]), bearing(10))
    assert.deepEqual(carried([virtualNode, ...bearing(10)], {}, { kind: 'group', labelSelector: {} }), bearing(10))
    const own = [virtualNode, ...bearing(10)]
    assert.deepEqual(carried(own, {}, { kind: 'node', leafNode: 'worker-1' }), own)
  })

  it('is waited for as the root pod says of the one way to lose it, and as the leaf says of the other', () => {
    const [notReady, unreachable] = [bearing(300), bearing(10)].map(([first]) => first)
    assert(notReady && unreachable)
    const { key: _, ...ten } = unreachable
    const quick = { ...ten, key: 'node.kubernetes.io/unreachable' }
    assert.deepEqual(carried([notReady, quick, { operator: 'Exists' }]), [quick], 'what comes first counts')
  })

  it('remembers of which taints its root pod has said it', () => {
    const marked = (tolerations: readonly Toleration[]) =>
      translate(rootPod({ spec: { tolerations } }), ctx).pod.metadata.annotations['kosmos.io/patience']
    assert.equal(marked(bearing(10)), lost.join())
    assert.equal(marked(bearing(10).slice(1)), lost[1])
    assert.equal(marked(bearing(300)), undefined)
  })

  it('is waited for for ever when the root pod bears everything, as those of DaemonSets do', () => {
    assert.deepEqual(carried([{ operator: 'Exists' }]), bearing())
  })

  it('is waited for as the leaf says when the root pod says nothing beyond the defaults', () => {
    assert.equal(carried([virtualNode, ...bearing(300)]), undefined)
    assert.equal(carried([virtualNode]), undefined)
  })

  it('is waited for as the user says of the nodes of the leaf, if at all', () => {
    const leafs = [{ key: 'gpu', operator: 'Exists' }]
    const selector = { 'kosmos.io/cluster-selector': JSON.stringify({ tolerations: leafs }) }
    assert.deepEqual(carried(bearing(10), selector), leafs)
  })

  it('is waited for no longer because its root pod is held through the loss of the leaf', () => {
    const seconds = fc.array(fc.constantFrom(undefined, 0, 10, 300), { minLength: 1, maxLength: 3 })
    const homes = fc.constantFrom<Home>({ kind: 'cluster' }, { kind: 'node', leafNode: 'worker-1' })
    fc.assert(
      fc.property(seconds, homes, (seconds, home) => {
        const root = rootPod({ spec: { tolerations: seconds.flatMap(bearing) } })
        const patch = tolerationPatch(root, true)
        const { annotations = {} } = patch?.metadata ?? {}
        const metadata = { ...root.metadata, annotations: annotations as Record<string, string> }
        const held = {
          ...root,
          metadata,
          spec: { ...root.spec, tolerations: patch?.spec.tolerations ?? root.spec.tolerations },
        }
        const waitedFor = (pod: Pod) => {
          const copy = translate(pod as typeof root, { ...ctx, home }).pod.spec.tolerations
          return lost.map(
            (key) => copy?.find((one) => toleratesTaint(one, { key, effect: 'NoExecute' }))?.tolerationSeconds,
          )
        }
        assert.deepEqual(waitedFor(held as Pod), waitedFor(root))
      }),
    )
  })
})
