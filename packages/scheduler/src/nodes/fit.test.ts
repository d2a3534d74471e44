import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { fitOf } from './fit.ts'

const fit = (free: Record<string, string>, requests: Record<string, string>) =>
  fitOf(parseResources(free), parseResources(requests))

describe('how well a machine suits a pod', () => {
  it('is 100 where nothing is left, and less the more is', () => {
    assert.equal(fit({ cpu: '4', memory: '8Gi' }, { cpu: '4', memory: '8Gi' }), 100)
    assert.equal(fit({ cpu: '8', memory: '16Gi' }, { cpu: '4', memory: '8Gi' }), 75)
    assert.equal(fit({ cpu: '8', memory: '16Gi' }, {}), 50)
  })

  it('is less where cpu would be left without memory, or memory without cpu', () => {
    const even = fit({ cpu: '8', memory: '16Gi' }, { cpu: '4', memory: '8Gi' })
    assert(fit({ cpu: '4', memory: '1Ti' }, { cpu: '4', memory: '8Gi' }) < even)
    assert(fit({ cpu: '64', memory: '8Gi' }, { cpu: '4', memory: '8Gi' }) < even)
  })

  it('is below zero where devices would be left that others may ask for', () => {
    const gpu = { cpu: '4', 'nvidia.com/gpu': '8' }
    assert(fit(gpu, { cpu: '4' }) < 0)
    assert.equal(fit(gpu, { cpu: '4', 'nvidia.com/gpu': '1' }), 100)
    assert.equal(fit({ ...gpu, 'nvidia.com/gpu': '0' }, { cpu: '4' }), 100)
    assert.equal(fit({ cpu: '4', pods: '110', 'ephemeral-storage': '9Gi', 'hugepages-2Mi': '1Gi' }, { cpu: '4' }), 100)
  })

  it('is a whole number between -101 and 100, whatever is free', () => {
    const amounts = fc.dictionary(
      fc.constantFrom('cpu', 'memory', 'pods', 'nvidia.com/gpu'),
      fc.nat(64).map((amount) => `${amount}`),
    )
    fc.assert(
      fc.property(amounts, amounts, (free, more) => {
        const requests = Object.fromEntries(
          Object.entries(more).filter(([name, amount]) => Number(amount) <= Number(free[name] ?? 0)),
        )
        const value = fit(free, requests)
        assert(Number.isInteger(value) && value >= -101 && value <= 100, `${value}`)
      }),
    )
  })
})
