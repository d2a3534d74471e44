import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LabelSelector, labelSelector } from './label-selector.ts'
import { parseLabelSelector } from './parse-labels.ts'
import { labelRequirements, labels, requirements } from './samples.fixture.ts'

const selects = (text: string, object: Record<string, string>) => parseLabelSelector(text).matches(object)

describe('a label selector as text', () => {
  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(fc.array(requirements), (all) => {
        const text = new LabelSelector(all).toString()
        assert.equal(parseLabelSelector(text).toString(), text)
      }),
    )
  })

  it('selects the same objects after writing and reading', () => {
    fc.assert(
      fc.property(fc.array(requirements), labels, (all, object) => {
        const selector = new LabelSelector(all)
        assert.equal(parseLabelSelector(selector.toString()).matches(object), selector.matches(object))
      }),
    )
  })

  for (const [text, canonical] of [
    ['', ''],
    ['a=b,c in (e,d),!f,g notin (h)', 'a=b,c in (d,e),!f,g!=h'],
    [' z , a==b ', 'a=b,z'],
    ['a=', 'a='],
    ['a=,b', 'a=,b'],
    ['a in ()', 'a='],
    ['a in (,)', 'a='],
    ['a in (b,,c,)', 'a in (,b,c)'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['a>5,b<6', 'a>5,b<6'],
    ['!a', '!a'],
    ['\ta\n!=\rb', 'a!=b'],
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(canonical)}`, () => {
      assert.equal(parseLabelSelector(text).toString(), canonical)
    })
  }

  for (const text of [
    ...[
      ',',
      'a,',
      'a,,b',
      '=b',
      'a b',
      'a in',
      'a in b',
      'a in (b',
      'a in (b c)',
      'a in b)',
      '!',
      '!!a',
      '!a=b',
      'a=b c',
    ],
    ...['a>', 'a>b', 'a<1.5', 'a=(b)', 'a===b', 'a=-b', '-a', 'A.B/c', 'a/b/c', '/a', 'a toString b', 'ä'],
    ...[`a=${'b'.repeat(64)}`, 'b'.repeat(64), `${'b'.repeat(254)}/a`, 'a>9223372036854775808'],
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.throws(() => parseLabelSelector(text), { name: 'SelectorError' })
    })
  }

  it('is refused with what was found, what was expected, and the whole text', () => {
    assert.throws(() => parseLabelSelector('a in b'), {
      message: 'label selector "a in b": found "b", expected "("',
    })
  })
})

describe('an object selected by labels', () => {
  it('matches NotIn and != also without the label', () => {
    assert.ok(selects('a!=b', {}))
    assert.ok(selects('a notin (b,c)', { a: 'd' }))
    assert.ok(!selects('a notin (b,c)', { a: 'c' }))
  })

  it('has no label that is not its own', () => {
    assert.ok(!selects('constructor', {}))
    assert.ok(selects('!toString', {}))
  })

  it('is compared with whole numbers by Gt and Lt, never without the label', () => {
    assert.ok(selects('a>5', { a: '0700' }))
    assert.ok(!selects('a>5', { a: '5' }))
    assert.ok(!selects('a<5', {}))
    assert.ok(!selects('a>5', { a: 'six' }))
    assert.ok(selects('a<9223372036854775807', { a: '9223372036854775806' }))
  })

  it('meets a selector exactly if it meets every requirement of it', () => {
    fc.assert(
      fc.property(fc.array(requirements), labels, (all, object) => {
        const each = all.every((r) => new LabelSelector([r]).matches(object))
        assert.equal(new LabelSelector(all).matches(object), each)
      }),
    )
  })

  it('meets a requirement exactly if it does not meet the opposite one', () => {
    const opposite = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const
    fc.assert(
      fc.property(labelRequirements, labels, (r, object) => {
        const other = { ...r, operator: opposite[r.operator as keyof typeof opposite] }
        assert.notEqual(new LabelSelector([r]).matches(object), new LabelSelector([other]).matches(object))
      }),
    )
  })
})

describe('a label selector of a manifest', () => {
  it('selects what its text selects', () => {
    const selector = labelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['b', 'a'] },
        { key: 'gone', operator: 'DoesNotExist' },
      ],
    })
    assert.equal(selector.toString(), 'app=web,!gone,tier in (a,b)')
    assert.ok(selector.matches({ app: 'web', tier: 'a' }))
    assert.ok(!selector.matches({ app: 'web', tier: 'a', gone: '' }))
  })

  it('selects everything if it is empty and nothing if it is missing, also as text', () => {
    fc.assert(
      fc.property(labels, (object) => {
        assert.ok(labelSelector({}).matches(object))
        assert.ok(!labelSelector(undefined).matches(object))
        assert.ok(!parseLabelSelector(labelSelector(undefined).toString()).matches(object))
      }),
    )
  })

  it('is refused if an API server would refuse it', () => {
    for (const expression of [
      { key: 'a', operator: 'In', values: [] },
      { key: 'a', operator: 'Exists', values: ['b'] },
      { key: 'a', operator: 'Gt', values: ['1'] },
      { key: 'a', operator: 'toString' },
      { key: '', operator: 'Exists' },
      { key: 'a', operator: 'In', values: ['b/c'] },
    ]) {
      assert.throws(() => labelSelector({ matchExpressions: [expression] }), { name: 'SelectorError' })
    }
  })
})
