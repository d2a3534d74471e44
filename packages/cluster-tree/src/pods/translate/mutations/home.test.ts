import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import type { Home } from '../../../nodes/home.ts'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

const specAt = (home: Home, spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}) =>
  translate(rootPod({ spec, metadata: { annotations } }), { ...ctx, home }).pod.spec
const requiredOf = ({ affinity }: PodSpec) => affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution

const selecting = (selector: object) => ({ 'kosmos.io/cluster-selector': JSON.stringify(selector) })
const ssd = { key: 'disk', operator: 'In', values: ['ssd'] }

describe('the copy of a pod', () => {
  it('goes anywhere in the leaf when its virtual node stands for all of it', () => {
    const { nodeName, affinity } = specAt({ kind: 'cluster' })
    assert.deepEqual([nodeName, affinity], [undefined, undefined])
  })

  describe('whose virtual node is one leaf node', () => {
    const home: Home = { kind: 'node', leafNode: 'worker-1' }
    const there = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['worker-1'] }] }

    it('is bound to it, with the tolerations by which the root chose it', () => {
      const tolerations = [{ key: 'gpu', operator: 'Exists' }]
      const { nodeName, affinity, ...spec } = specAt(home, { tolerations })
      assert.deepEqual([nodeName, affinity, spec.tolerations], ['worker-1', undefined, tolerations])
    })

    it('has the tolerations that the user gives for leaf nodes, else those of the root pod when it is not held', () => {
      const held = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' }
      const given = [{ key: 'dedicated', operator: 'Exists' }]
      const gpu = { key: 'gpu', operator: 'Exists' }
      const isHeld = { 'kosmos.io/held-tolerations': '{"0":10}' }
      for (const volumes of [[], [{ name: 'v', ephemeral: {} }]]) {
        const own = specAt(home, { volumes, tolerations: [held, gpu] }, isHeld)
        assert.deepEqual(own.tolerations, [{ ...held, tolerationSeconds: 10 }, gpu])
        const asGiven = specAt(home, { volumes, tolerations: [held] }, selecting({ tolerations: given }))
        assert.deepEqual(asGiven.tolerations, given)
        assert(!('tolerations' in specAt(home, { volumes })))
      }
    })

    for (const [what, spec] of Object.entries<Partial<PodSpec>>({
      'a volume': { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
      'a volume of its own': { volumes: [{ name: 'v', ephemeral: {} }] },
    })) {
      it(`is left to the leaf’s scheduler, which may choose that node only, when it needs ${what}`, () => {
        const copy = specAt(home, spec)
        assert.equal(copy.nodeName, undefined)
        assert.deepEqual(requiredOf(copy)?.nodeSelectorTerms, [there])
      })
    }

    it('does not start where the user’s own demands on leaf nodes are not met', () => {
      const nodeAffinity = {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [ssd] }, {}] },
      }
      const copy = specAt(home, {}, selecting({ affinity: { nodeAffinity } }))
      assert.equal(copy.nodeName, undefined)
      assert.deepEqual(requiredOf(copy)?.nodeSelectorTerms, [{ matchExpressions: [ssd], ...there }, {}])
      const selector = specAt(home, {}, selecting({ nodeSelector: { disk: 'ssd' } }))
      assert.deepEqual([selector.nodeName, selector.nodeSelector], [undefined, { disk: 'ssd' }])
    })
  })

  describe('whose virtual node is a group', () => {
    const labelSelector = {
      matchLabels: { pool: 'gpu' },
      matchExpressions: [{ key: 'zone', operator: 'NotIn' as const, values: ['z'] }],
    }
    const inGroup = [{ key: 'pool', operator: 'In', values: ['gpu'] }, ...labelSelector.matchExpressions]

    it('may go to the nodes of the group', () => {
      const copy = specAt({ kind: 'group', labelSelector })
      assert.deepEqual(requiredOf(copy)?.nodeSelectorTerms, [{ matchExpressions: inGroup }])
    })

    it('may go to its nodes also when one label makes the group', () => {
      const copy = specAt({ kind: 'group', labelSelector: { matchLabels: { pool: 'gpu' } } })
      assert.deepEqual(requiredOf(copy)?.nodeSelectorTerms, [{ matchExpressions: inGroup.slice(0, 1) }])
    })

    it('keeps what else the pod prefers', () => {
      const labels = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } }
      const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [labels] }
      const preferred = [{ weight: 1, preference: { matchExpressions: [ssd] } }]
      const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferred }
      const annotations = selecting({ affinity: { nodeAffinity } })
      const { affinity } = specAt({ kind: 'group', labelSelector }, { affinity: { podAffinity } }, annotations)
      assert.deepEqual(affinity?.podAffinity, podAffinity)
      assert.deepEqual(affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution, preferred)
    })

    it('may go to those of them that the user selects, in each alternative', () => {
      const terms = [
        { matchExpressions: [ssd] },
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] },
      ]
      const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
      const copy = specAt({ kind: 'group', labelSelector }, {}, selecting({ affinity: { nodeAffinity } }))
      assert.deepEqual(requiredOf(copy)?.nodeSelectorTerms, [
        { matchExpressions: [ssd, ...inGroup] },
        { matchExpressions: inGroup, matchFields: terms[1]?.matchFields },
      ])
    })

    it('goes anywhere when the group is everything', () => {
      assert.equal(requiredOf(specAt({ kind: 'group', labelSelector: {} })), undefined)
    })
  })
})
