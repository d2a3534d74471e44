import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolumeClaim } from '@kosmos/kube'
import fc from 'fast-check'
import { reflectedStatus } from './reflected-status.ts'

const claim = (status: unknown) => ({ metadata: { name: 'data', uid: 'u' }, status }) as PersistentVolumeClaim
const reflected = (shown: object, said: object, names = {}) => reflectedStatus(claim(shown), claim(said), names)

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const into = { ...(typeof target === 'object' && !Array.isArray(target) ? target : {}) } as Record<string, unknown>
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete into[key]
    else into[key] = merged(into[key], value)
  }
  return into
}

describe("what the root's claim is told of its volume", () => {
  const pending = { type: 'FileSystemResizePending', status: 'True' }
  const unused = { type: 'Unused', status: 'True' }

  it('is its size, and what a resizer or a modifier says; not who uses it', () => {
    const said = { phase: 'Bound', capacity: { storage: '2Gi' }, conditions: [pending, { ...unused, status: 'False' }] }
    assert.deepEqual(reflected({ phase: 'Bound', conditions: [unused] }, said), {
      capacity: { storage: '2Gi' },
      conditions: [unused, pending],
    })
  })

  it('is whatever is said of its size and attributes, and of each work on them', () => {
    const amounts = { storage: '2Gi' }
    const fields = {
      capacity: amounts,
      allocatedResources: amounts,
      allocatedResourceStatuses: { storage: 'NodeResizeInProgress' },
      currentVolumeAttributesClassName: 'gold',
      modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'silver' },
    }
    for (const [field, value] of Object.entries(fields))
      assert.deepEqual(reflected({}, { [field]: value }), { [field]: value })
    const works = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']
    for (const type of [...works, 'ModifyingVolume', 'ModifyVolumeError']) {
      const conditions = [{ type, status: 'True' }]
      assert.deepEqual(reflected({}, { conditions }), { conditions })
      assert.deepEqual(reflected({ conditions: [...conditions, unused] }, {}), { conditions: [unused] })
    }
    assert.equal(reflected({}, { phase: 'Bound', accessModes: ['ReadWriteOnce'], conditions: [unused] }), undefined)
  })

  it('goes when it is said no more', () => {
    const shown = {
      conditions: [pending, unused],
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
    }
    assert.deepEqual(reflected(shown, {}), { conditions: [unused], allocatedResourceStatuses: null })
  })

  it('is no condition when none is another one, and no key that has stayed', () => {
    const shown = { conditions: [pending], capacity: { storage: '1Gi', other: '1Gi' } }
    const said = { conditions: [pending], capacity: { storage: '1Gi' } }
    assert.deepEqual(reflected(shown, said), { capacity: { storage: '1Gi', other: null } })
  })

  it('is what a change of its attributes has come to, by the name that the root has said before', () => {
    const names = { gold: 'premium', platinum: 'premium' }
    const change = (targetVolumeAttributesClassName: string) => ({
      modifyVolumeStatus: { status: 'Infeasible', targetVolumeAttributesClassName },
    })
    const current = (currentVolumeAttributesClassName: string) => ({ currentVolumeAttributesClassName })
    assert.deepEqual(reflected({}, change('premium'), names), change('gold'))
    assert.deepEqual(reflected({}, current('premium'), names), current('gold'))
    const shown = { ...current('platinum'), ...change('platinum') }
    assert.equal(reflected(shown, { ...current('premium'), ...change('premium') }, names), undefined)
  })

  it('leads to the same in one step, whatever both say, and leaves the rest', () => {
    const condition = fc.record({
      type: fc.constantFrom('Resizing', 'NodeResizeError', 'ModifyVolumeError', 'Unused', 'Custom'),
      status: fc.constantFrom('True', 'False'),
    })
    const status = fc
      .record(
        {
          phase: fc.constantFrom('Bound', 'Lost'),
          capacity: fc.dictionary(fc.constantFrom('storage', 'other'), fc.constantFrom('1Gi', '2Gi')),
          allocatedResourceStatuses: fc.dictionary(fc.constantFrom('storage', 'a'), fc.constantFrom('x', 'y')),
          currentVolumeAttributesClassName: fc.constantFrom('gold', 'silver'),
          modifyVolumeStatus: fc.record({
            status: fc.constantFrom('Pending', 'Infeasible'),
            targetVolumeAttributesClassName: fc.constantFrom('gold', 'silver'),
          }),
          conditions: fc.uniqueArray(condition, { selector: ({ type }) => type }),
        },
        { requiredKeys: [] },
      )
      .map((status) => JSON.parse(JSON.stringify(status)) as Record<string, unknown>)
    const names = fc.dictionary(fc.constantFrom('gold', 'platinum'), fc.constantFrom('', 'silver', 'gold'))
    fc.assert(
      fc.property(status, status, names, (shown, said, names) => {
        const patch = reflected(shown, said, names)
        const after = merged(shown, patch ?? {}) as Record<string, unknown>
        assert.equal(reflected(after, said, names), undefined)
        assert.equal(after.phase, shown.phase)
        const others = ({ conditions }: Record<string, unknown>) =>
          ((conditions ?? []) as { type: string }[]).filter(({ type }) => type === 'Unused' || type === 'Custom')
        assert.deepEqual(others(after), others(shown))
      }),
    )
  })
})
