import assert from 'node:assert/strict'
import { describe as group, it } from 'node:test'
import { describe, resultOf } from './report.ts'
import { type Outcome, outcomesOf } from './suite.ts'

const outcome = (name: string, state: Outcome['state'], message?: string): Outcome => ({
  name,
  state,
  seconds: 1,
  ...(message && { message }),
})
const run = {
  leaf: [outcome('a', 'passed'), outcome('b', 'passed'), outcome('c', 'failed'), outcome('d', 'passed')],
  tree: [outcome('a', 'passed'), outcome('b', 'failed', 'no token\nat x')],
}

group('what conformance prints', () => {
  it('names what passes on the leaf only, also what was never run', () => {
    assert.deepEqual(resultOf('x', run), {
      focus: 'x',
      leaf: { passed: 3, failed: 1, skipped: 0 },
      tree: { passed: 1, failed: 1, skipped: 0 },
      onlyInLeaf: ['b', 'd'],
    })
  })

  it('tells people why', () => {
    const text = describe('x', run)
    assert.match(text, /^33\.3 % of those/m)
    assert.match(text, /- b\n {4}no token\n {4}at x/)
    assert.match(text, /- d\n {4}it was not run/)
  })

  it('reads Ginkgo’s report: tests only, those that were chosen', () => {
    const spec = (State: string, more: object = {}) => ({
      ContainerHierarchyTexts: ['[sig-node] Pods'],
      LeafNodeText: 'should run',
      LeafNodeType: 'It',
      State,
      RunTime: 2e9,
      ...more,
    })
    const reports = [
      {
        SpecReports: [
          spec('passed'),
          spec('timedout', { Failure: { Message: 'slow' } }),
          spec('skipped'),
          spec('skipped', { Failure: { Message: 'needs two nodes' } }),
          spec('passed', { LeafNodeType: 'SynchronizedBeforeSuite' }),
        ],
      },
      { SpecReports: null },
    ]
    assert.deepEqual(
      outcomesOf(reports).map(({ state, message }) => [state, message]),
      [
        ['passed', undefined],
        ['failed', 'slow'],
        ['skipped', 'needs two nodes'],
      ],
    )
    assert.equal(outcomesOf(reports)[0]?.name, '[sig-node] Pods should run')
    assert.equal(outcomesOf(reports)[0]?.seconds, 2)
  })
})
