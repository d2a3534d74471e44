import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { heldTolerationsAnnotation } from '@kosmos/api'
import { type Pod, toleratesTaint } from '@kosmos/kube'
import fc from 'fast-check'
import { rootPod } from '../pods/fixture.ts'
import { tolerationPatch } from './held-tolerations.ts'

type Toleration = NonNullable<Pod['spec']['tolerations']>[number]

const lost = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const toleration: fc.Arbitrary<Toleration> = fc
  .record(
    {
      key: fc.constantFrom(...lost, 'gpu'),
      operator: fc.constantFrom('Exists', 'Equal'),
      effect: fc.constantFrom('NoExecute', 'NoSchedule'),
      tolerationSeconds: fc.constantFrom(0, 5, 300),
    },
    { requiredKeys: ['operator'] },
  )
  // An API server lets no other effect have seconds.
  .map(({ tolerationSeconds, ...one }) => (one.effect === 'NoExecute' ? { ...one, tolerationSeconds } : one))
  .map((one) => JSON.parse(JSON.stringify(one)))
const pod = fc.array(toleration, { maxLength: 5 }).map((tolerations) => rootPod({ spec: { tolerations } }))

/** What an API server makes of the patch, which it only takes if no toleration is lost. */
function patched(pod: Pod, patch: ReturnType<typeof tolerationPatch>): Pod {
  if (!patch) return pod
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration) => JSON.stringify(rest)
  const { tolerations } = patch.spec
  for (const [i, old] of (pod.spec.tolerations ?? []).entries())
    assert.equal(withoutSeconds(tolerations[i] ?? {}), withoutSeconds(old))
  const annotations = Object.entries({ ...pod.metadata.annotations, ...patch.metadata.annotations })
  const kept = Object.fromEntries(annotations.filter((entry): entry is [string, string] => entry[1] !== null))
  return { ...pod, metadata: { ...pod.metadata, annotations: kept }, spec: { ...pod.spec, tolerations } }
}

/** When the root evicts the pod, as its taint eviction controller reckons (upstream getMinTolerationTime). */
function evictedAfter({ spec: { tolerations = [] } }: Pod): number {
  const seconds = lost.map((key) => {
    const first = tolerations.find((one) => toleratesTaint(one, { key, effect: 'NoExecute' }))
    return first ? (first.tolerationSeconds ?? Number.POSITIVE_INFINITY) : 0
  })
  return Math.min(...seconds)
}

describe('a pod that is held through the loss of its leaf', () => {
  it('is never evicted, and nothing is written twice', () => {
    fc.assert(
      fc.property(pod, (pod) => {
        const held = patched(pod, tolerationPatch(pod, true))
        assert.equal(evictedAfter(held), Number.POSITIVE_INFINITY)
        assert.equal(tolerationPatch(held, true), undefined)
      }),
    )
  })

  it('is evicted as it would have been when it is let go', () => {
    fc.assert(
      fc.property(pod, (pod) => {
        const held = patched(pod, tolerationPatch(pod, true))
        const free = patched(held, tolerationPatch(held, false))
        assert.equal(evictedAfter(free), evictedAfter(pod))
        assert.equal(free.metadata.annotations?.[heldTolerationsAnnotation], undefined)
        assert.equal(tolerationPatch(free, false), undefined)
      }),
    )
  })

  it('is let go with seconds only where it may have some, in whatever order its tolerations are by then', () => {
    fc.assert(
      fc.property(pod, fc.nat(), (pod, turn) => {
        const held = patched(pod, tolerationPatch(pod, true))
        const { tolerations = [] } = held.spec
        const turned = [...tolerations.slice(turn % 6), ...tolerations.slice(0, turn % 6)]
        const patch = tolerationPatch({ ...held, spec: { ...held.spec, tolerations: turned } }, false)
        const wrong = (patch?.spec.tolerations ?? []).filter(
          ({ effect, tolerationSeconds }) => tolerationSeconds !== undefined && effect !== 'NoExecute',
        )
        assert.deepEqual(wrong, [])
      }),
    )
  })

  it('remembers all that it had when it gets another toleration meanwhile', () => {
    fc.assert(
      fc.property(pod, toleration, (pod, more) => {
        const held = patched(pod, tolerationPatch(pod, true))
        const changed = { ...held, spec: { ...held.spec, tolerations: [...(held.spec.tolerations ?? []), more] } }
        const again = patched(changed, tolerationPatch(changed, true))
        const free = patched(again, tolerationPatch(again, false))
        assert.equal(evictedAfter(free), evictedAfter(pod))
      }),
    )
  })

  it('is let go without harm when somebody has spoilt what it remembers', () => {
    for (const held of ['', 'nonsense', '[]', 'null', '{"0":"a"}', '{"9":5}']) {
      const spoilt = rootPod({ metadata: { annotations: { [heldTolerationsAnnotation]: held } } })
      assert.deepEqual(tolerationPatch(spoilt, false)?.spec.tolerations, [])
    }
  })
})
