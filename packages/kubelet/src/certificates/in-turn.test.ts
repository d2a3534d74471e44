import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ServingCertificate } from '@kosmos/kube/certificates'
import { inTurn } from './in-turn.ts'

const { signal } = new AbortController()
const names = (nodeName: string) => ({ nodeName, hosts: [] })
const certificate = {} as ServingCertificate
const many = Array.from({ length: 100 }, (_, i) => names(`node-${i}`))

describe('certificates for many nodes', () => {
  it('are asked for some at a time, and one that is refused holds no other up', async () => {
    let [waiting, most] = [0, 0]
    const obtain = inTurn(async ({ nodeName }) => {
      most = Math.max(most, ++waiting)
      await setImmediate()
      waiting--
      if (nodeName === 'node-7') throw new Error('refused')
      return certificate
    })
    const outcomes = await Promise.allSettled(many.map((names) => obtain(names, signal)))
    assert.equal(most, 64)
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 1)
  })

  it('are not asked for any more by a node that is gone before its turn', async () => {
    const asked: string[] = []
    const first = Promise.withResolvers<ServingCertificate>()
    const obtain = inTurn(({ nodeName }) => {
      asked.push(nodeName)
      return first.promise
    })
    const before = many.slice(0, 64).map((names) => obtain(names, signal))
    const stop = new AbortController()
    const late = assert.rejects(obtain(names('late'), stop.signal))
    stop.abort()
    await late
    first.resolve(certificate)
    await Promise.all(before)
    assert.ok(!asked.includes('late'))
  })
})
