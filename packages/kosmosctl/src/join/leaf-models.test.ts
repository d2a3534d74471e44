import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafModelOverlap } from '@kosmos/api'
import { labelSelector } from '@kosmos/kube'
import fc from 'fast-check'
import { leafModels, type ModelFlags, modelChoice, parseGroup, parseNodeSelector } from './leaf-models.ts'

const groups = (...texts: string[]) =>
  texts.reduce<ReturnType<typeof parseGroup>>((all, text) => parseGroup(text, all), [])
const nodes = [
  { name: 'worker-2', labels: { pool: 'web' } },
  { name: 'worker-1', labels: { pool: 'gpu' } },
]
const models = (flags: ModelFlags) => {
  const choice = modelChoice(flags)
  return choice && leafModels(choice, nodes)
}

describe('what the flags make of a leaf', () => {
  it('is nothing new when there are none', () => {
    assert.equal(models({}), undefined)
  })

  it('is one virtual node, also where there were several', () => {
    assert.deepEqual(models({ model: 'cluster' }), [])
  })

  it('is a virtual node for each of its nodes, or for each that has the labels', () => {
    const one = (nodeName: string) => ({ nodeSelector: { nodeName } })
    assert.deepEqual(models({ model: 'node' }), [one('worker-1'), one('worker-2')])
    const nodeSelector = parseNodeSelector('pool in (gpu, other)')
    assert.deepEqual(models({ model: 'node', nodeSelector }), [one('worker-1')])
    assert.deepEqual(models({ nodeSelector }), [one('worker-1')])
  })

  it('is a virtual node for each group, in their order', () => {
    const group = groups('gpu=pool=gpu,!slow', 'rest=pool notin (gpu),zone')
    const wanted = [
      {
        leafNodeName: 'gpu',
        nodeSelector: {
          labelSelector: {
            matchLabels: { pool: 'gpu' },
            matchExpressions: [{ key: 'slow', operator: 'DoesNotExist' }],
          },
        },
      },
      {
        leafNodeName: 'rest',
        nodeSelector: {
          labelSelector: {
            matchExpressions: [
              { key: 'pool', operator: 'NotIn', values: ['gpu'] },
              { key: 'zone', operator: 'Exists' },
            ],
          },
        },
      },
    ]
    assert.deepEqual(models({ group }), wanted)
    assert.deepEqual(models({ model: 'group', group }), wanted)
  })

  it('is nothing that contradicts itself', () => {
    const group = groups('a=pool=gpu')
    const nodeSelector = parseNodeSelector('pool')
    const wrong: [ModelFlags, RegExp][] = [
      [{ model: 'cluster', nodeSelector }, /--node-selector is for --model node, not cluster/],
      [{ model: 'group', nodeSelector, group }, /--node-selector is for --model node/],
      [{ model: 'cluster', group }, /--group is for --model group/],
      [{ nodeSelector, group }, /--group is for --model group, not node/],
      [{ model: 'group' }, /needs groups/],
      [{ group: groups('a=pool=gpu', 'b=zone=x') }, /in both of the groups "a" and "b"/],
    ]
    for (const [flags, why] of wrong) assert.throws(() => modelChoice(flags), why)
    assert.ok(modelChoice({ group: groups('a=pool=gpu', 'b=zone=x,pool!=gpu') }))
  })
})

describe('a group on the command line', () => {
  it('has a name and labels that an API server would take', () => {
    const wrong: [string, RegExp][] = [
      ['gpu', /NAME=SELECTOR/],
      ['=pool', /NAME=SELECTOR/],
      ['gpu=', /NAME=SELECTOR/],
      ['gpu=pool=a b', /expected/],
      ['gpu=pool in gpu', /expected "\("/],
      ['gpu=-x', /no label key/],
      ['gpu=cores>4', /not by < or >/],
      ['GPU=pool', /leafNodeName: /],
      [`${'a'.repeat(60)}=pool`, /at most 52 characters/],
    ]
    for (const [text, why] of wrong) assert.throws(() => parseGroup(text), why, text)
  })

  it('means the nodes that kubectl -l means', () => {
    const requirement = fc.constantFrom('a=1', 'a==2', 'a!=1', 'a in (1,2)', 'b notin (1)', 'b', '!b', 'a')
    const labels = fc.record({ a: fc.constantFrom('1', '2', ''), b: fc.constant('1') }, { requiredKeys: [] })
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), labels, (requirements, labels) => {
        const text = requirements.join(',')
        const [group] = parseGroup(`g=${text}`)
        const matches = labelSelector(group?.nodeSelector?.labelSelector).matches(labels)
        assert.equal(matches, parseNodeSelector(text).matches(labels), text)
      }),
    )
  })

  it('can be told from another only if no labels are in both', () => {
    assert.equal(leafModelOverlap(groups('a=x=1', 'a=x=2')), undefined)
    assert.notEqual(leafModelOverlap(groups('a=x=1', 'a=y=2')), undefined)
  })
})
