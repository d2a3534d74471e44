import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, parseQuantity, parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { ResourceSum } from './resource-sum.ts'

type Amounts = Readonly<Record<string, number>>

const parsed = (amounts: Amounts) =>
  parseResources(Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, `${amount}`])))

describe('a sum of resource lists', () => {
  const amounts = fc.dictionary(fc.constantFrom('cpu', 'memory', 'pods'), fc.nat(5), { maxKeys: 3 })
  const added = fc.array(fc.record({ amounts, isTakenBack: fc.boolean() }), { maxLength: 8 })

  it('is that of the lists that are there, and has a resource for as long as one of them has it', () => {
    fc.assert(
      fc.property(added, (lists) => {
        const sum = new ResourceSum()
        for (const { amounts } of lists) sum.add(parsed(amounts))
        for (const { amounts, isTakenBack } of lists) if (isTakenBack) sum.subtract(parsed(amounts))
        const expected: Record<string, number> = {}
        for (const { amounts, isTakenBack } of lists) {
          if (isTakenBack) continue
          for (const [name, amount] of Object.entries(amounts)) expected[name] = (expected[name] ?? 0) + amount
        }
        const got = Object.entries(formatResources(sum.get())).map(([name, text]) => [
          name,
          parseQuantity(text).toNumber(),
        ])
        assert.deepEqual(Object.fromEntries(got), expected)
        assert.equal(sum.isEmpty, Object.keys(expected).length === 0)
      }),
    )
  })
})
