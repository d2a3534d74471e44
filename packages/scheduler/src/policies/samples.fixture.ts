import fc from 'fast-check'
import { type PodParts, policyLike } from '../pods.fixture.ts'

const key = fc.constantFrom('app', 'tier', 'example.org/team')
const value = fc.constantFrom('web', 'db', '')
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
)
const labelSelector = fc.record(
  { matchLabels: fc.dictionary(key, value, { maxKeys: 2 }), matchExpressions: fc.array(expression, { maxLength: 2 }) },
  { requiredKeys: [] },
)
const workload = fc.record({
  kind: fc.constantFrom('Deployment' as const, 'StatefulSet' as const, 'ReplicaSet' as const, 'Job' as const),
  name: fc.constantFrom('web', 'web-1'),
})
const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
/** Whose pods a policy is about. */
export const selections = fc.oneof(fc.record({ labelSelector }), fc.record({ workload }))
/** Of one namespace. */
export const policies = fc
  .array(selections, { minLength: 2, maxLength: 3 })
  .map((all) => all.map((selection, i) => policyLike({ ...selection, allocationPolicy }, `policy-${i}`)))

const podLabels = fc.record(
  {
    app: value,
    tier: value,
    'example.org/team': value,
    'pod-template-hash': fc.constantFrom('1', '6d9f'),
    'workload-policy/kosmos.io': fc.constantFrom('policy-0', 'policy-1', 'nobody'),
  },
  { requiredKeys: [] },
)
export const podParts: fc.Arbitrary<PodParts> = fc.record(
  {
    labels: podLabels,
    owner: fc.record({
      kind: fc.constantFrom('ReplicaSet', 'StatefulSet', 'Job', 'DaemonSet'),
      name: fc.constantFrom('web', 'web-1', 'web-6d9f', 'web-1-6d9f'),
    }),
  },
  { requiredKeys: [] },
)
