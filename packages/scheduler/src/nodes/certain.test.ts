import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addResources, parseResources, type ResourceList, subtractResources } from '@kosmos/kube'
import fc from 'fast-check'
import { isCertain } from './certain.ts'
import { hasRoom } from './room.ts'

const list = (cpu: number, memory: number) => parseResources({ cpu: `${cpu}`, memory: `${memory}`, pods: '1' })
const machine = (cpu: number, memory: number) => parseResources({ cpu: `${cpu}`, memory: `${memory}`, pods: '10' })
const unseen = (pods: readonly ResourceList[]) => ({
  count: pods.length,
  requests: pods.reduce<ResourceList>((sum, pod) => addResources(sum, pod), new Map()),
  largest: new Map(pods.flatMap((pod) => [...pod]).sort(([, a], [, b]) => Number(a.milliValue() - b.milliValue()))),
})
const bin = (machines: number, free: ResourceList) => ({ machines, free })

describe('a pod that has room for certain', () => {
  const amounts = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }))

  it('has it wherever the leaf has put those that it does not tell of', () => {
    const setting = fc.record({
      machines: fc.array(amounts(0, 8), { minLength: 1, maxLength: 5 }),
      others: fc.array(amounts(0, 5), { maxLength: 6 }),
      own: amounts(0, 8),
      choices: fc.array(fc.nat(100), { minLength: 6, maxLength: 6 }),
    })
    let certain = 0
    fc.assert(
      fc.property(setting, ({ machines, others, own, choices }) => {
        const free = machines.map((one) => machine(...one))
        const pods = others.map((one) => list(...one))
        const pod = list(...own)
        if (
          !isCertain(
            free.map((one) => bin(1, one)),
            pod,
            unseen(pods),
          )
        )
          return
        certain++
        for (const [i, other] of pods.entries()) {
          const roomy = free.flatMap((one, at) => (hasRoom(one, other) ? [at] : []))
          const at = roomy[(choices[i] ?? 0) % Math.max(roomy.length, 1)]
          if (at !== undefined) free[at] = subtractResources(free[at] ?? new Map(), other)
        }
        assert(free.some((one) => hasRoom(one, pod)))
      }),
      { numRuns: 2000 },
    )
    assert(certain > 300, 'the property is not about nothing')
  })

  it('is as certain by machines one by one as by machines of a kind', () => {
    const setting = fc.record({
      bins: fc.array(fc.tuple(fc.nat(4), amounts(0, 8)), { maxLength: 4 }),
      others: fc.array(amounts(0, 5), { maxLength: 6 }),
      own: amounts(0, 8),
    })
    fc.assert(
      fc.property(setting, ({ bins, others, own }) => {
        const together = bins.map(([machines, free]) => bin(machines, machine(...free)))
        const apart = bins.flatMap(([machines, free]) =>
          Array.from({ length: machines }, () => bin(1, machine(...free))),
        )
        const about = [list(...own), unseen(others.map((one) => list(...one)))] as const
        assert.equal(isCertain(together, ...about), isCertain(apart, ...about))
      }),
    )
  })

  it('is so as long as machines are more than pods, or what these request is not enough to fill them', () => {
    const small = list(1, 1)
    assert(isCertain([bin(2, machine(4, 4))], list(4, 4), unseen([small])))
    assert(!isCertain([bin(2, machine(4, 4))], list(4, 4), unseen([small, small])))
    assert(isCertain([bin(2, machine(4, 4))], list(2, 2), unseen([small, small])))
    assert(!isCertain([bin(1, machine(4, 4))], list(2, 2), unseen([small, small, small])))
    // Two of 30 fill one of 64 as far as it matters, three fill no second one; four do.
    const [large, big] = [machine(64, 64), list(30, 30)]
    assert(isCertain([bin(2, large)], big, unseen([big, big, big])))
    assert(!isCertain([bin(2, large)], big, unseen([big, big, big, big])))
    assert(!isCertain([], small, unseen([])))
  })
})
