import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { orphanLabel } from '@kosmos/api'
import fc from 'fast-check'
import { decide } from './decide.ts'
import { leafPod, rootPod } from './fixture.ts'
import { isOrphan } from './orphans.ts'

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
    assert.equal(decide({ ...view, root, leaf, rootVersion: '120' }).do, 'keepOrphan')
    const step = decide({ ...view, root, leaf: marked(leaf), rootVersion: '2000' })
    assert.equal(step.do === 'wait' && step.reason, 'NameTakenInLeaf')
    assert.match(step.do === 'wait' ? step.message : '', /kosmosctl get orphans/)
  })

  it('is no orphan when nothing is known of versions', () => {
    assert(!isOrphan(copyMadeAt('7'), undefined))
    assert(!isOrphan(copyMadeAt('not a number'), '3'))
  })
})
