import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { leafPod, parsed, rootPod } from '../fixture.ts'
import type { Toleration } from './changes.ts'
import { withTolerations } from './tolerations.ts'

const tolerating = (tolerations: readonly Toleration[]) => leafPod(rootPod(), { spec: { tolerations } })
const changeOf = { metadata: { uid: 'leaf-uid' }, spec: { activeDeadlineSeconds: 5 } }

/** What the copy tolerates once the change is there. */
function tolerated(wanted: readonly Toleration[], present: readonly Toleration[]): readonly Toleration[] {
  const body = withTolerations(changeOf, wanted, tolerating(present))
  return (body?.spec as { tolerations?: readonly Toleration[] })?.tolerations ?? present
}

/** Upstream validateOnlyAddedTolerations: each that was there is there, with whatever seconds. */
function isPermitted(before: readonly Toleration[], after: readonly Toleration[]): boolean {
  const rest = ({ tolerationSeconds: _, ...toleration }: Toleration) => toleration
  return before.every((old) => after.some((one) => isDeepStrictEqual(rest(old), rest(one))))
}

const toleration: fc.Arbitrary<Toleration> = fc
  .record(
    {
      key: fc.constantFrom('node.kubernetes.io/unreachable', 'gpu'),
      operator: fc.constantFrom('Exists', 'Equal'),
      effect: fc.constantFrom('NoExecute', 'NoSchedule'),
      tolerationSeconds: fc.constantFrom(0, 10, 300),
    },
    { requiredKeys: [] },
  )
  .map(parsed<Toleration>)
const list = fc.array(toleration, { maxLength: 4 })

describe('a copy that is to tolerate more, or for another time', () => {
  const hasty = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }
  const { tolerationSeconds: _, ...patient } = hasty
  const ofTheLeaf = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }

  it('has what is wanted first, as a copy made now would, and then what the leaf has given it', () => {
    const added = { key: 'gpu', operator: 'Exists' }
    const copy = tolerating([ofTheLeaf, hasty])
    assert.deepEqual(withTolerations(changeOf, [added, hasty], copy), {
      metadata: { uid: 'leaf-uid', resourceVersion: copy.metadata.resourceVersion },
      spec: { activeDeadlineSeconds: 5, tolerations: [added, hasty, ofTheLeaf] },
    })
  })

  it('bears a taint as long as is wanted, also for ever', () => {
    assert.deepEqual(tolerated([patient], [hasty, ofTheLeaf]), [patient, ofTheLeaf])
    assert.deepEqual(tolerated([hasty], [patient]), [hasty])
    assert.deepEqual(tolerated([{ ...hasty, tolerationSeconds: 0 }], [hasty]), [{ ...hasty, tolerationSeconds: 0 }])
  })

  it('has nothing twice that is written with an empty text', () => {
    assert.deepEqual(
      tolerated(
        [{ key: 'a', operator: 'Exists', effect: '', value: '' }, hasty],
        [ofTheLeaf, { key: 'a', operator: 'Exists' }],
      ).length,
      3,
    )
  })

  it('gets all that differs in more than seconds', () => {
    const a = { key: 'a', value: '1' }
    const others = [
      { key: 'b', value: '1' },
      { key: 'a', operator: 'Equal', value: '1' },
      { key: 'a', value: '2' },
      { key: 'a', value: '1', effect: 'NoExecute' },
    ]
    assert.deepEqual(tolerated(others, [a]), [...others, a])
  })

  it('can be changed so whatever it tolerates, says what is wanted first, and is not changed again', () => {
    fc.assert(
      fc.property(list, list, (wanted, before) => {
        const after = tolerated(wanted, before)
        assert(isPermitted(before, after))
        assert.deepEqual(tolerated(wanted, after), after)
        const seconds = (all: readonly Toleration[]) => all.map(({ tolerationSeconds }) => tolerationSeconds)
        assert.deepEqual(seconds(after).slice(0, wanted.length), seconds(wanted))
      }),
    )
  })

  it('is left alone in this when it has all of it, and wholly when it is another', () => {
    const copy = tolerating([hasty, ofTheLeaf])
    assert.equal(withTolerations(changeOf, [hasty], copy), changeOf)
    assert.equal(withTolerations({ metadata: { uid: 'an-earlier-one' } }, [hasty], copy), undefined)
    assert.equal(withTolerations(changeOf, [hasty], undefined), undefined)
  })
})
