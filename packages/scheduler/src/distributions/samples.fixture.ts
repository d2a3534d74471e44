import fc from 'fast-check'

const value = fc.constantFrom('web', 'db')
const labelSelector = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom('app', 'tier'), value, { maxKeys: 2 }),
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: fc.constantFrom('app', 'tier'),
          operator: fc.constantFrom('In' as const, 'NotIn' as const),
          values: fc.uniqueArray(value, { minLength: 1 }),
        }),
        fc.record({
          key: fc.constantFrom('app', 'tier'),
          operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
        }),
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)
const policyName = fc.constantFrom('host', 'leaf', 'mix')
const selector = fc.oneof(
  fc.record({ policyName, name: fc.constantFrom('web-0', 'db-0') }),
  fc.record({ policyName, namePrefix: fc.constantFrom('web-', 'w', 'web-0', 'db-') }),
  fc.record({ policyName, labelSelector }),
)
export const sampledPolicy = fc.record({
  selectors: fc.array(selector, { minLength: 1, maxLength: 2 }),
  namespace: fc.constantFrom('shop', undefined),
})
export const sampledPod = fc.record({
  name: fc.constantFrom('web-0', 'web-00', 'db-0', 'x'),
  labels: fc.record({ app: value, tier: value }, { requiredKeys: [] }),
  isGenerated: fc.boolean(),
})
