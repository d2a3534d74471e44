import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafPod, rootPod } from './fixture.ts'
import { withTolerations } from './tolerations.ts'

describe('a copy that is to tolerate more', () => {
  const hasty = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }
  const copy = leafPod(rootPod(), { spec: { tolerations: [hasty, { key: 'a', value: '1' }] } })
  const change = { metadata: { uid: copy.metadata.uid }, spec: { activeDeadlineSeconds: 5 } }

  it('keeps what the leaf has given it, with its seconds', () => {
    const { tolerationSeconds: _, ...patient } = hasty
    const added = { key: 'gpu', operator: 'Exists' }
    const body = withTolerations(change, [patient, { key: 'a', operator: 'Equal', value: '1' }, added], copy)
    assert.deepEqual(body, {
      metadata: { uid: copy.metadata.uid, resourceVersion: copy.metadata.resourceVersion },
      spec: { activeDeadlineSeconds: 5, tolerations: [hasty, { key: 'a', value: '1' }, added] },
    })
  })

  it('gets all when it has none, and what differs in more than seconds', () => {
    const bare = leafPod(rootPod())
    const whole = { ...change, status: {} }
    const { resourceVersion } = bare.metadata
    assert.deepEqual(withTolerations(whole, [hasty], bare), {
      ...whole,
      metadata: { ...whole.metadata, resourceVersion },
      spec: { ...whole.spec, tolerations: [hasty] },
    })
    const others = [
      { key: 'a', operator: 'Exists' },
      { key: 'a', value: '2' },
      { key: 'a', value: '1', effect: 'NoExecute' },
    ]
    assert.deepEqual(withTolerations(change, others, copy)?.spec, {
      ...change.spec,
      tolerations: [...(copy.spec.tolerations ?? []), ...others],
    })
  })

  it('is left alone in this when it tolerates all of it, and wholly when it is another', () => {
    assert.equal(withTolerations(change, [hasty], copy), change)
    assert.equal(withTolerations({ metadata: { uid: 'an-earlier-one' } }, [hasty], copy), undefined)
    assert.equal(withTolerations(change, [hasty], undefined), undefined)
  })
})
