import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { orphanLabel } from '@kosmos/api'
import { keyOf, type ObjectKey, type Pod, Store } from '@kosmos/kube'
import fc from 'fast-check'
import { decide } from '../decide.ts'
import { leafPod, rootPod } from '../fixture.ts'
import { isOrphan, Orphans } from './orphans.ts'

const view = { rootClusterId: 'root-1', current: true, missing: [], now: Date.parse('2026-01-01T00:00:00Z') }
const copyMadeAt = (resourceVersion: string) => leafPod(rootPod({ metadata: { resourceVersion } }))
const marked = (leaf: ReturnType<typeof leafPod>) => ({
  ...leaf,
  metadata: { ...leaf.metadata, labels: { ...leaf.metadata.labels, [orphanLabel]: 'true' } },
})

describe('a copy whose root pod is not there', () => {
  it('is deleted when the root has got further than it was then, and kept when it is behind', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 1n << 70n), fc.bigInt(1n, 1n << 70n), (made, reached) => {
        const leaf = copyMadeAt(String(made))
        const { do: step } = decide({ ...view, root: undefined, leaf, rootVersion: String(reached) })
        assert.equal(step, made > reached ? 'keepOrphan' : 'deleteLeaf')
      }),
    )
  })

  it('is kept for good once it was found to be an orphan', () => {
    const leaf = marked(copyMadeAt('5'))
    assert.equal(decide({ ...view, root: undefined, leaf, rootVersion: '1000' }).do, 'none')
  })

  it('is in the way of another pod of its name, which says so', () => {
    const leaf = copyMadeAt('900')
    const root = rootPod({ metadata: { uid: 'another', resourceVersion: '120' } })
    const keep = { do: 'keepOrphan', reason: 'RootIsOlder', uid: 'leaf-uid' }
    assert.deepEqual(decide({ ...view, root, leaf, rootVersion: '120' }), keep)
    const going = { ...root, metadata: { ...root.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    assert.equal(decide({ ...view, root: going, leaf: marked(leaf), rootVersion: '120' }).do, 'finishRoot')
    const step = decide({ ...view, root, leaf: marked(leaf), rootVersion: '2000' })
    assert.equal(step.do === 'wait' && step.reason, 'NameTakenInLeaf')
    assert.match(step.do === 'wait' ? step.message : '', /kosmosctl get orphans/)
  })

  it('is no orphan when nothing is known of versions', () => {
    assert(!isOrphan(copyMadeAt('7'), undefined))
    assert(!isOrphan(copyMadeAt('7'), '7'), 'nor of what the root has just reached')
    assert(!isOrphan(copyMadeAt('not a number'), '3'))
  })
})

describe('where in a leaf there are orphans', () => {
  let states = 0
  const names = ['web', 'db'] as const
  const spaces = ['shop', 'bank'] as const
  const copy = (namespace: string, name: string, made: number | undefined, isMarked: boolean): Pod => {
    const resourceVersion = made === undefined ? 'x' : String(made)
    const leaf = leafPod(rootPod({ metadata: { namespace, name, resourceVersion } }))
    const now = { ...leaf, metadata: { ...leaf.metadata, resourceVersion: String(++states) } }
    return isMarked ? marked(now) : now
  }
  const store = () => new Store<Pod, 'namespace'>({ indexes: { namespace: ({ metadata }) => [metadata.namespace] } })
  const key = fc.tuple(fc.constantFrom(...spaces), fc.constantFrom(...names))
  const version = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined })
  const event = fc.oneof(
    fc.record({ set: fc.tuple(key, version, fc.boolean()) }),
    fc.record({ gone: key }),
    fc.record({ reached: version }),
    fc.record({ known: key }),
  )

  it('is known as one would find it by looking at all', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const leafPods = store()
        const known = new Set<ObjectKey>()
        let reached: string | undefined
        const orphans = new Orphans({ leafPods, rootVersion: () => reached, isKnown: (key) => known.has(key) })
        for (const happened of events) {
          if ('set' in happened) {
            const [[namespace, name], made, isMarked] = happened.set
            leafPods.set(copy(namespace, name, made, isMarked))
          } else if ('gone' in happened) {
            const [namespace, name] = happened.gone
            const present = leafPods.get(`${namespace}/${name}`)
            if (present) leafPods.delete(present)
          } else if ('known' in happened) known.add(`${happened.known[0]}/${happened.known[1]}`)
          else reached = happened.reached === undefined ? undefined : String(happened.reached)
          for (const namespace of spaces) {
            const all = [...leafPods.values()].filter((pod) => pod.metadata.namespace === namespace)
            const expected = all.some((pod) => !known.has(keyOf(pod)) && isOrphan(pod, reached))
            assert.equal(orphans.areIn(namespace), expected)
          }
        }
      }),
    )
  })

  it('costs no look at any pod while there are none', () => {
    const leafPods = store()
    const isKnown = () => assert.fail('a pod is looked at')
    const orphans = new Orphans({ leafPods, rootVersion: () => '5', isKnown })
    leafPods.set(copy('shop', 'web', 5, false))
    assert(!orphans.areIn('shop'))
    const kept = copy('shop', 'db', 3, true)
    leafPods.set(kept)
    assert.throws(() => orphans.areIn('shop'), /is looked at/)
    leafPods.delete(kept)
    assert(!orphans.areIn('shop'))
  })
})
