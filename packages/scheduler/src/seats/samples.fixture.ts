import fc from 'fast-check'
import { type Method, sharesOf } from './seats.ts'

export const method = fc.constantFrom<Method>('Balance', 'Fill')
const allocation = fc.oneof(
  fc.record({ replicas: fc.nat(12) }),
  fc.record({ weight: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ weight: fc.integer({ min: 1, max: 9 }), min: fc.nat(4), max: fc.integer({ min: 4, max: 12 }) }),
)
export const shares = fc
  .array(allocation, { minLength: 1, maxLength: 5 })
  .map((all) => sharesOf(all.map((one, i) => ({ name: `v${i}`, ...one }))))
