import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootResourceVersionAnnotation, rootUidAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'
import fc from 'fast-check'
import { type CopyPlan, type CopyView, isCurrent, planCopy } from './plan.ts'

const rootObject = (uid: string, resourceVersion: string): KubeObject => ({
  metadata: { name: 'c', uid, resourceVersion },
})

/** A copy that shows this version of the root object. */
const copyOf = (rootUid: string, shown: string, uid = 'leaf-uid', resourceVersion = '70'): KubeObject => ({
  metadata: {
    name: 'c',
    uid,
    resourceVersion,
    annotations: { [rootUidAnnotation]: rootUid, [rootResourceVersionAnnotation]: shown },
  },
})

const uid = fc.constantFrom('first', 'second')
const version = fc.constantFrom('10', '11', '12')
const view: fc.Arbitrary<CopyView> = fc.record({
  needed: fc.boolean(),
  optional: fc.boolean(),
  root: fc.option(
    fc.tuple(uid, version).map(([u, v]) => rootObject(u, v)),
    { nil: undefined },
  ),
  leaf: fc.option(
    fc.tuple(uid, version).map(([u, v]) => copyOf(u, v)),
    { nil: undefined },
  ),
})

/** What a leaf that takes the plan holds afterwards. */
function after({ root, leaf }: CopyView, plan: CopyPlan): KubeObject | undefined {
  switch (plan.kind) {
    case 'none':
      return leaf
    case 'delete':
      return undefined
    case 'create':
    case 'replace':
      return copyOf(root?.metadata?.uid ?? '', root?.metadata?.resourceVersion ?? '')
  }
}

describe('what is to be done with the copy of a ConfigMap or Secret', () => {
  const root = rootObject('first', '10')

  it('is to create it once a pod needs it', () => {
    assert.deepEqual(planCopy({ needed: true, root, leaf: undefined }), { kind: 'create' })
    assert.deepEqual(planCopy({ needed: false, root, leaf: undefined }), { kind: 'none' })
  })

  it('is to replace what it shows, and only the version of it that was seen', () => {
    const plan = planCopy({ needed: true, root, leaf: copyOf('first', '9') })
    assert.deepEqual(plan, { kind: 'replace', uid: 'leaf-uid', resourceVersion: '70' })
  })

  it('is to write it again when somebody else has written to it, unless it is to change anyway', () => {
    const replace = { kind: 'replace', uid: 'leaf-uid', resourceVersion: '70' }
    const view = { needed: true, root, contested: true }
    assert.deepEqual(planCopy({ ...view, leaf: copyOf('first', '10') }), { ...replace, setsRight: true })
    assert.deepEqual(planCopy({ ...view, leaf: copyOf('first', '9') }), replace)
    assert.equal(planCopy({ ...view, needed: false, leaf: copyOf('first', '10') }).kind, 'delete')
  })

  it('is to make it anew when the root object was deleted and created again', () => {
    const plan = planCopy({ needed: true, root, leaf: copyOf('second', '10') })
    assert.deepEqual(plan, { kind: 'delete', uid: 'leaf-uid', reason: 'replacedInRoot' })
  })

  it('is to keep it while pods need it, although the root object is gone', () => {
    assert.deepEqual(planCopy({ needed: true, root: undefined, leaf: copyOf('first', '10') }), { kind: 'none' })
  })

  it('is to let it go with the root object when every pod can do without', () => {
    const gone = { needed: true, optional: true, root: undefined }
    assert.deepEqual(planCopy({ ...gone, leaf: copyOf('first', '10') }), {
      kind: 'delete',
      uid: 'leaf-uid',
      reason: 'goneInRoot',
    })
    assert.deepEqual(planCopy({ ...gone, leaf: undefined }), { kind: 'none' })
  })

  it('is to delete that very copy when no pod needs it any more', () => {
    const plan = planCopy({ needed: false, root, leaf: copyOf('first', '10') })
    assert.deepEqual(plan, { kind: 'delete', uid: 'leaf-uid', reason: 'unneeded' })
  })

  it('leads in at most two steps to a state in which nothing is to be done', () => {
    fc.assert(
      fc.property(view, (start) => {
        let state = start
        for (let step = 0; step < 2; step++) state = { ...state, leaf: after(state, planCopy(state)) }
        assert.deepEqual(planCopy(state), { kind: 'none' })
        assert.equal(isCurrent(state), start.needed && start.root !== undefined)
      }),
    )
  })

  it('never touches a copy that shows what the root has, while it is needed', () => {
    fc.assert(
      fc.property(view, ({ root, leaf }) => {
        const asked = { needed: true, root, leaf }
        if (isCurrent(asked)) assert.deepEqual(planCopy(asked), { kind: 'none' })
      }),
    )
  })
})

describe('a copy that a new pod could use', () => {
  it('shows the root object of today, whether a pod needs it yet or not', () => {
    const root = rootObject('first', '10')
    assert(isCurrent({ needed: false, root, leaf: copyOf('first', '10') }))
    assert(!isCurrent({ needed: true, root, leaf: copyOf('first', '9') }))
    assert(!isCurrent({ needed: true, root, leaf: copyOf('second', '10') }))
    assert(!isCurrent({ needed: true, root: undefined, leaf: copyOf('first', '10') }))
    assert(!isCurrent({ needed: true, root, leaf: undefined }))
  })
})
