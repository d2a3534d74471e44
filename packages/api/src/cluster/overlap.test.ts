import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { leafModelOverlap } from './overlap.ts'

type LabelSelector = NonNullable<Parameters<typeof leafModelOverlap>[0][number]['nodeSelector']>['labelSelector'] &
  object
type Labels = Readonly<Record<string, string>>

const group = (labelSelector: LabelSelector) => ({ nodeSelector: { labelSelector } })
const node = (nodeName: string) => ({ nodeSelector: { nodeName } })

const keys = ['pool', 'zone'] as const
const values = ['a', 'b']
const operator = fc.constantFrom('In' as const, 'NotIn' as const, 'Exists' as const, 'DoesNotExist' as const)
const someValues = fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 })
const expression = fc
  .tuple(fc.constantFrom(...keys), operator, someValues)
  .map(([key, operator, values]) => ({ key, operator, ...(operator.endsWith('In') && { values }) }))
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values)),
    matchExpressions: fc.array(expression, { maxLength: 3 }),
  },
  { requiredKeys: [] },
)

/** Every node there could be, as far as these selectors can tell nodes apart. */
const allLabels: Labels[] = ['a', 'b', 'another', undefined].flatMap((pool) =>
  ['a', 'b', 'another', undefined].map((zone) => ({ ...(pool && { pool }), ...(zone && { zone }) })),
)

function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  const holds = ({ key, operator, values = [] }: (typeof matchExpressions)[number]) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    if (operator === 'In') return value !== undefined && values.includes(value)
    return value === undefined || !values.includes(value)
  }
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every(holds)
}

describe('leaf models that overlap', () => {
  it('are two groups that some node could be in', () => {
    fc.assert(
      fc.property(selector, selector, (a, b) => {
        const expected = allLabels.some((labels) => matches(a, labels) && matches(b, labels))
        assert.equal(leafModelOverlap([group(a), group(b)]) !== undefined, expected)
      }),
      { numRuns: 2_000 },
    )
  })

  it('are named by their places', () => {
    const [gpu, rest] = [{ matchLabels: { pool: 'gpu' } }, { matchLabels: { pool: 'rest' } }]
    assert.equal(
      leafModelOverlap([group(gpu), node('n1'), group(rest), group(gpu)]),
      'a leaf node can match both leafModels[0] and leafModels[3]',
    )
    assert.equal(leafModelOverlap([node('n1'), node('n2'), node('n1')]), 'two leaf models name the leaf node n1')
  })

  it('are none when a node has a model of its own beside a group', () => {
    assert.equal(leafModelOverlap([node('n1'), group({})]), undefined)
    assert.equal(leafModelOverlap([{}]), undefined)
    assert.equal(leafModelOverlap([]), undefined)
  })
})
