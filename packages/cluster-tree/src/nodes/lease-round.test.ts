import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { leaseRound, stepSize } from './lease-round.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`)

/** When each node was renewed, in steps of a round. */
async function round(count: number, { stopAfter = Number.POSITIVE_INFINITY, renewMs = 0, failing = false } = {}) {
  const stop = new AbortController()
  const renewed: { name: string; at: number }[] = []
  const failures: Error[] = []
  const start = performance.now()
  await leaseRound(names(count), {
    signal: stop.signal,
    renew: async (name) => {
      renewed.push({ name, at: performance.now() - start })
      if (renewed.length === stopAfter) stop.abort()
      await sleep(renewMs)
      if (failing) throw new Error(name)
    },
    onFailure: (error) => failures.push(error),
  })
  return { renewed, failures }
}

describe('a round of Leases', () => {
  it('is over at once for a few nodes', async () => {
    const { renewed } = await round(10)
    assert.deepEqual(
      renewed.map(({ name }) => name),
      names(10),
    )
    assert.ok(renewed.every(({ at }) => at < 80))
  })

  it('takes more nodes in even steps, each once, and does not wait for slow answers', async () => {
    const { renewed } = await round(40, { renewMs: 500 })
    assert.deepEqual(
      renewed.map(({ name }) => name),
      names(40),
    )
    const first = renewed.filter(({ at }) => at < 50).length
    assert.equal(first, 10)
    assert.ok((renewed.at(-1)?.at ?? 0) < 490, 'the last step did not wait for the answers to the first')
  })

  it('lasts less than the time between two heartbeats, however many nodes there are', () => {
    for (const nodes of [1, 10, 500, 800, 801, 1_000, 50_000]) {
      const steps = Math.ceil(nodes / stepSize(nodes))
      assert.ok(steps * 100 <= 8_000, `${nodes} nodes: ${steps} steps`)
    }
    assert.equal(stepSize(500), 10)
    assert.equal(stepSize(1_000), 13)
  })

  it('ends with the step in which the leaf stopped to answer', async () => {
    const { renewed } = await round(100, { stopAfter: 15 })
    assert.equal(renewed.length, 20)
  })

  it('tells of one failure, however many there are', async () => {
    const { renewed, failures } = await round(25, { failing: true })
    assert.equal(renewed.length, 25)
    assert.equal(failures.length, 1)
  })
})
