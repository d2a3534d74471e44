import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { leafPod, rootPod } from '../fixture.ts'
import type { Condition, ConditionPatch } from '../status/status-patch.ts'
import { gateConditions } from './readiness-gates.ts'

const types = ['example.com/load-balancer', 'example.com/warm', 'Ready', 'PodScheduled', 'DisruptionTarget'] as const
const conditions = fc
  .uniqueArray(
    fc.record(
      {
        type: fc.constantFrom(...types),
        status: fc.constantFrom('True', 'False', 'Unknown'),
        reason: fc.constantFrom('A', 'B'),
        message: fc.constantFrom('a', 'b'),
        lastTransitionTime: fc.constant('2026-01-01T00:00:00Z'),
        observedGeneration: fc.nat(3),
      },
      { requiredKeys: ['type', 'status'] },
    ),
    { selector: ({ type }) => type },
  )
  .map((list) => list as Condition[])
const gates = fc.subarray([...types]).map((list) => list.map((conditionType) => ({ conditionType })))

/** The copy after the patch, as a strategic merge makes it. */
function patched(leaf: Pod, patches: readonly ConditionPatch[]): Pod {
  let conditions = leaf.status?.conditions ?? []
  for (const patch of patches) {
    const before = conditions.find(({ type }) => type === patch.type)
    conditions = conditions.filter(({ type }) => type !== patch.type)
    if ('$patch' in patch) continue
    const fields = Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null)
    conditions = [...conditions, Object.fromEntries(fields) as unknown as Condition]
  }
  return { ...leaf, status: { ...leaf.status, conditions } }
}

describe('the readiness gates of a pod', () => {
  it('stand in the leaf as in the root after one write, and what each control plane writes is left alone', () => {
    fc.assert(
      fc.property(gates, conditions, conditions, (readinessGates, inRoot, inLeaf) => {
        const root = rootPod({ spec: { readinessGates }, status: { conditions: inRoot } })
        const leaf = { ...leafPod(root), status: { conditions: inLeaf } }
        const after = patched(leaf, gateConditions(root, leaf))
        for (const { type, ...condition } of after.status?.conditions ?? []) {
          const isGate = type.startsWith('example.com/') && readinessGates.some((gate) => gate.conditionType === type)
          const { type: _, ...wanted } = (isGate ? inRoot : inLeaf).find((one) => one.type === type) ?? assert.fail()
          if (isGate)
            for (const field of ['status', 'reason', 'message'] as const) assert.equal(condition[field], wanted[field])
          else assert.deepEqual(condition, wanted)
        }
        for (const { type } of inRoot) {
          const isGate = type.startsWith('example.com/') && readinessGates.some((gate) => gate.conditionType === type)
          if (isGate) assert(after.status?.conditions?.some((condition) => condition.type === type))
        }
        assert.deepEqual(gateConditions(root, after), [])
      }),
    )
  })
})
