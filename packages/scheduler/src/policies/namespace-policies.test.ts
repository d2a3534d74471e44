import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compiled, podLike } from '../pods.fixture.ts'
import { type CompiledPolicy, policyOf } from './compiled-policy.ts'
import { NamespacePolicies } from './namespace-policies.ts'
import { podParts, selections } from './samples.fixture.ts'

type Selection = Omit<Parameters<typeof compiled>[0], 'allocationPolicy'>
const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
const policy = (name: string, selection: Selection): CompiledPolicy =>
  compiled({ ...selection, allocationPolicy }, name)
const step = fc.record({
  name: fc.constantFrom('policy-0', 'policy-1', 'policy-2', 'policy-3'),
  says: fc.option(
    fc.record({ selection: selections, createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z') }),
    { freq: 3, nil: undefined },
  ),
})

describe('the policies of a namespace', () => {
  it('place a pod as if it were held against all of them, whatever came, changed and went', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 12 }),
        fc.array(podParts, { minLength: 1, maxLength: 8 }),
        (steps, parts) => {
          const [policies, all] = [new NamespacePolicies(), new Map<string, CompiledPolicy>()]
          for (const { name, says } of steps) {
            const one = says && { ...policy(name, says.selection), createdAt: says.createdAt }
            if (one) policies.set(one)
            else policies.delete(`shop/${name}`)
            if (one) all.set(name, one)
            else all.delete(name)
          }
          for (const pod of parts.map(podLike)) assert.equal(policies.of(pod), policyOf(pod, all.values()))
          assert.equal(policies.size, all.size)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('are not gone through for a pod: it is held against those alone that it carries a sign of', () => {
    let asked = 0
    const policies = new NamespacePolicies()
    const add = (name: string, selection: Selection) => {
      const one = policy(name, selection)
      const rank: CompiledPolicy['rank'] = (pod) => {
        asked++
        return one.rank(pod)
      }
      policies.set({ ...one, rank })
    }
    for (let i = 0; i < 100; i++) {
      add(`workload-${i}`, { workload: { kind: 'Deployment', name: `web-${i}` } })
      // What all of them have in common says little, so they are found by the other.
      add(`labels-${i}`, { labelSelector: { matchLabels: { app: 'web', tier: `${i}` } } })
      const team = { key: 'team', operator: 'In' as const, values: [`a${i}`, `b${i}`] }
      add(`in-${i}`, { labelSelector: { matchExpressions: [team, { key: 'app', operator: 'Exists' }] } })
    }
    const askedFor = (labels: Record<string, string>) => {
      asked = 0
      const owner = { kind: 'ReplicaSet', name: 'web-7-6d9f' }
      return [policies.of(podLike({ labels: { 'pod-template-hash': '6d9f', ...labels }, owner }))?.name, asked]
    }
    assert.deepEqual(askedFor({}), ['workload-7', 1])
    // Beside labels-9 and in-5 the first of either kind, which came when nothing had said yet what is common.
    assert.deepEqual(askedFor({ app: 'web', tier: '9', team: 'b5' }), ['workload-7', 5])
    assert.deepEqual(askedFor({ 'workload-policy/kosmos.io': 'labels-3' }), ['labels-3', 2])
  })

  it('that name one workload are told in the order in which they decide', () => {
    const workload = { kind: 'Deployment', name: 'web' } as const
    const policies = new NamespacePolicies()
    for (const [name, createdAt] of Object.entries({ b: '2026', a: '2026', old: '2025' })) {
      policies.set({ ...policy(name, { workload }), createdAt })
    }
    policies.set(policy('other', { workload: { ...workload, kind: 'StatefulSet' } }))
    assert.deepEqual(
      policies.naming(workload).map(({ name }) => name),
      ['old', 'a', 'b'],
    )
    assert.deepEqual(policies.naming({ ...workload, name: 'db' }), [])
  })
})
