import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { nextTeardownStep, type TeardownView } from './teardown.ts'

const nothing: TeardownView = { rootPods: 0, daemonPods: 0, leafObjects: 0, virtualNodes: 0, wasUsed: true }
const kind = (view: Partial<TeardownView>) => nextTeardownStep({ ...nothing, ...view }).kind

const view: fc.Arbitrary<TeardownView> = fc
  .record({
    rootPods: fc.nat(5),
    daemonPods: fc.nat(5),
    leafObjects: fc.option(fc.nat(5), { nil: undefined }),
    virtualNodes: fc.nat(2),
    wasUsed: fc.boolean(),
  })
  .map((view) => ({ ...view, daemonPods: Math.min(view.daemonPods, view.rootPods) }))

describe('the removal of a Cluster', () => {
  it('drains first, then waits for the leaf, then removes the virtual node, then lets go', () => {
    assert.equal(kind({ rootPods: 3, leafObjects: 5, virtualNodes: 1 }), 'drain')
    assert.equal(kind({ leafObjects: 2, virtualNodes: 1 }), 'wait')
    assert.equal(kind({ virtualNodes: 1 }), 'removeVirtualNodes')
    assert.equal(kind({}), 'finish')
  })

  it('lets go at once when nothing was ever set up', () => {
    assert.equal(kind({ leafObjects: undefined, wasUsed: false }), 'finish')
  })

  it('does not end while the leaf cannot be asked, whatever the root has left', () => {
    fc.assert(
      fc.property(view, (view) => {
        if (view.wasUsed) assert.equal(nextTeardownStep({ ...view, leafObjects: undefined }).kind, 'wait')
      }),
    )
  })

  it('does not let go of a Cluster while anything of it is left', () => {
    fc.assert(
      fc.property(view, (view) => {
        if (nextTeardownStep(view).kind !== 'finish') return
        assert.equal(view.virtualNodes, 0)
        assert.equal(view.rootPods, 0)
        assert.equal(view.leafObjects ?? 0, 0)
      }),
    )
  })

  it('takes the node from under pods of DaemonSets, which would be made again for ever', () => {
    assert.deepEqual(nextTeardownStep({ ...nothing, rootPods: 3, daemonPods: 2, leafObjects: 3, virtualNodes: 1 }), {
      kind: 'drain',
      left: 1,
    })
    assert.equal(kind({ rootPods: 2, daemonPods: 2, leafObjects: 2, virtualNodes: 1 }), 'removeVirtualNodes')
    assert.equal(kind({ rootPods: 2, daemonPods: 2, leafObjects: 2 }), 'wait')
  })

  it('ends when every step is carried out', () => {
    fc.assert(
      fc.property(view, (start) => {
        let state = { ...start, leafObjects: start.leafObjects ?? 3 }
        for (let i = 0; i < 20; i++) {
          const step = nextTeardownStep(state)
          if (step.kind === 'finish') return
          if (step.kind === 'drain') state = { ...state, rootPods: state.daemonPods }
          // The garbage collector ends what is left on a node that is gone.
          else if (step.kind === 'removeVirtualNodes') state = { ...state, virtualNodes: 0, rootPods: 0, daemonPods: 0 }
          else state = { ...state, rootPods: 0, daemonPods: 0, leafObjects: 0 }
        }
        assert.fail('it goes in circles')
      }),
    )
  })
})
