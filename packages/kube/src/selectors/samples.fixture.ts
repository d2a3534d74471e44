import fc from 'fast-check'
import { type Operator, type Requirement, requirement } from './requirement.ts'

/** Few keys and values, so that they meet; among them names that JavaScript objects have anyway, and operators. */
const keys = fc.constantFrom('a', 'in', 'notin', 'constructor', 'example.com/a', 'x.y-z/B_1')
const values = fc.constantFrom('', 'b', 'in', '1', '2', '0700', '9223372036854775808', 'c.d-e_F')
export const labels = fc.dictionary(keys, values, { noNullPrototype: true })

const some = (operator: Operator, of: fc.Arbitrary<string[]>): fc.Arbitrary<Requirement> =>
  fc.tuple(keys, of).map(([key, list]) => requirement(key, operator, list))

export const labelRequirements = fc.oneof(
  some('In', fc.uniqueArray(values, { minLength: 1, maxLength: 3 })),
  some('NotIn', fc.uniqueArray(values, { minLength: 1, maxLength: 3 })),
  some('Exists', fc.constant([])),
  some('DoesNotExist', fc.constant([])),
)

export const requirements = fc.oneof(
  { weight: 4, arbitrary: labelRequirements },
  some('Gt', fc.constantFrom(['1'], ['0700'])),
  some('Lt', fc.constantFrom(['2'], ['0700'])),
)
