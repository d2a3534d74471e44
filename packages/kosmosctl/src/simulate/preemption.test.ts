import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { simulate, type World } from '@kosmos/scheduler'
import { outcomesOf } from '../placement/outcome.ts'
import { type PriorityClass, withPriority } from './admission/priority.ts'
import { simulationText } from './command.ts'

const podOf = (name: string, spec: Partial<Pod['spec']> & { priorityClassName?: string } = {}): Pod => ({
  metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1' },
  spec: { containers: [{ name: 'main', resources: { requests: { cpu: '3' } } }], ...spec } as Pod['spec'],
})
const classes: PriorityClass[] = [
  { metadata: { name: 'high' }, value: 1000 },
  { metadata: { name: 'patient' }, value: 1000, preemptionPolicy: 'Never' },
  { metadata: { name: 'usual' }, value: 5, globalDefault: true },
  { metadata: { name: 'low' }, value: -1, globalDefault: true },
]

describe('a pod that is simulated', () => {
  it('has the priority that the API server would give it', () => {
    const of = (priorityClassName?: string) => {
      const { priority, preemptionPolicy } = withPriority(
        podOf('web', { ...(priorityClassName && { priorityClassName }) }),
        classes,
      ).spec
      return [priority, preemptionPolicy]
    }
    assert.deepEqual(
      [of('high'), of('patient'), of()],
      [
        [1000, undefined],
        [1000, 'Never'],
        [-1, undefined],
      ],
    )
    assert.equal(withPriority(podOf('web'), []).spec.priority, 0)
    assert.throws(() => of('none'), /no PriorityClass none/)
  })

  it('is said to need preemption where it does, and of whom, for people and for scripts', () => {
    const world: World = {
      policies: [],
      distributions: [],
      namespaces: [
        {
          metadata: { name: 'shop', uid: 'shop', resourceVersion: '1', labels: { 'kosmos.io/placement': 'best-fit' } },
        },
      ],
      nodes: ['n1', 'n2'].map((name) => ({
        metadata: { name, uid: name, resourceVersion: '1' },
        spec: {},
        status: { allocatable: { cpu: '4', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
      })) as World['nodes'],
      pods: [podOf('low', { nodeName: 'n1' })],
    }
    const high = [0, 1, 2].map((i) => withPriority(podOf(`web-${i}`, { priorityClassName: 'high' }), classes))
    const outcomes = outcomesOf(simulate(world, high))
    assert.deepEqual(
      outcomes.map(({ pods, node, preemption }) => [pods, node, preemption]),
      [
        [1, 'n2', undefined],
        [1, 'n1', [{ node: 'n1', couldGiveWay: ['shop/low'] }]],
        [1, undefined, undefined],
      ],
    )
    const text = simulationText({
      workload: 'Deployment shop/web',
      replicas: 3,
      policy: undefined,
      outcomes,
      candidates: [],
      notes: ['more'],
    })
    assert.match(text, /no room on n1 without preemption; 1 pod of a lower priority could give way: shop\/low/)
    assert.match(text, /\n\nnote: more$/)
    const patient = outcomesOf(
      simulate(
        world,
        [0, 1].map((i) => withPriority(podOf(`web-${i}`, { priorityClassName: 'patient' }), classes)),
      ),
    )
    assert.match(patient[1]?.what ?? '', /waits for room/)
  })
})
