import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LabelSelector } from './label-selector.ts'
import { NodeAffinity } from './node-affinity.ts'
import { NodeSelector, type NodeSelectorTermSpec } from './node-selector.ts'
import { labels, requirements } from './samples.fixture.ts'

const node = (name: string, own: Record<string, string> = {}) => ({ metadata: { name, labels: own } })
const required = (...nodeSelectorTerms: NodeSelectorTermSpec[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
})

describe('a node selector', () => {
  it('holds if one term does, and a term if all of it does', () => {
    fc.assert(
      fc.property(fc.array(fc.array(requirements, { minLength: 1 })), labels, (terms, own) => {
        const selector = new NodeSelector(terms.map((matchExpressions) => ({ matchExpressions })))
        const expected = terms.some((term) => new LabelSelector(term).matches(own))
        assert.equal(selector.matches(node('n', own)), expected)
      }),
    )
  })

  it('holds for no node if it has no term, or only empty ones', () => {
    assert.ok(!new NodeSelector([]).matches(node('n')))
    assert.ok(!new NodeSelector([{}, { matchExpressions: [], matchFields: [] }]).matches(node('n')))
  })

  it('knows a node by its name in matchFields', () => {
    const named = new NodeSelector([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }])
    assert.ok(named.matches(node('n1')))
    assert.ok(!named.matches(node('n2')))
    const other = new NodeSelector([{ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n1'] }] }])
    assert.ok(other.matches(node('n2')))
    assert.ok(!other.matches(node('n1')))
  })

  it('knows no other field of a node', () => {
    const unknown = new NodeSelector([{ matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['n1'] }] }])
    assert.ok(!unknown.matches(node('n1')))
  })

  it('leaves a term out that cannot be understood, and says what is wrong with it', () => {
    const selector = new NodeSelector([
      { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['x'] }] },
      { matchFields: [{ key: 'metadata.name', operator: 'Exists' }] },
      { matchExpressions: [{ key: 'ok', operator: 'Exists' }] },
    ])
    assert.ok(selector.matches(node('n', { ok: '' })))
    assert.ok(!selector.matches(node('n', { a: '9' })))
    assert.deepEqual(
      selector.problems.map((p) => p.message),
      [
        'label a: Gt compares integers, "x" is none',
        'field metadata.name: matchFields takes In and NotIn with one value, not Exists with 0',
      ],
    )
  })
})

describe('the node affinity of a pod', () => {
  it('allows every node if the pod says nothing', () => {
    assert.ok(new NodeAffinity({}).allows(node('n')))
  })

  it('needs the nodeSelector and a required term', () => {
    const affinity = new NodeAffinity({
      nodeSelector: { disk: 'ssd' },
      affinity: required({ matchExpressions: [{ key: 'cpus', operator: 'Gt', values: ['4'] }] }),
    })
    assert.ok(affinity.allows(node('n', { disk: 'ssd', cpus: '8' })))
    assert.ok(!affinity.allows(node('n', { cpus: '8' })))
    assert.ok(!affinity.allows(node('n', { disk: 'ssd', cpus: '4' })))
  })

  it('scores a node by the weights of the preferences that it meets', () => {
    const prefer = (weight: number, key: string) => ({
      weight,
      preference: { matchExpressions: [{ key, operator: 'Exists' }] },
    })
    const affinity = new NodeAffinity({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [prefer(5, 'a'), prefer(7, 'b'), prefer(1, 'c')],
        },
      },
    })
    assert.equal(affinity.score(node('n', { a: '', c: '' })), 6)
    assert.ok(affinity.allows(node('n')))
  })
})
