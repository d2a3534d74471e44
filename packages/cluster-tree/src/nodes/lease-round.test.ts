import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leaseRound, stepSize } from './lease-round.ts'

const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${i}`)

/** In which step each node was renewed, with no time between the steps. Answers come once all have been asked for. */
async function round(count: number, { stopAfter = Number.POSITIVE_INFINITY, failing = false } = {}) {
  const stop = new AbortController()
  const renewed: { name: string; step: number }[] = []
  const failures: Error[] = []
  const answered = Promise.withResolvers<void>()
  const pauses: number[] = []
  await leaseRound(names(count), {
    signal: stop.signal,
    renew: async (name) => {
      renewed.push({ name, step: pauses.length })
      if (renewed.length === stopAfter) stop.abort()
      if (renewed.length === Math.min(count, stopAfter)) answered.resolve()
      await answered.promise
      if (failing) throw new Error(name)
    },
    onFailure: (error) => failures.push(error),
    pause: async (ms) => void pauses.push(ms),
  })
  return { renewed, failures, pauses }
}

describe('a round of Leases', { timeout: 10_000 }, () => {
  it('is over at once for a few nodes', async () => {
    const { renewed, pauses } = await round(10)
    assert.deepEqual(
      renewed.map(({ name }) => name),
      names(10),
    )
    assert.deepEqual(pauses, [])
  })

  it('takes more nodes in even steps, each once, and does not wait for slow answers', async () => {
    const { renewed, pauses } = await round(40)
    assert.deepEqual(
      renewed,
      names(40).map((name, i) => ({ name, step: Math.floor(i / 10) })),
    )
    assert.deepEqual(pauses, [100, 100, 100])
  })

  it('is over while it waits for its next step when it is stopped', async () => {
    const stop = new AbortController()
    const renewed: string[] = []
    await leaseRound(names(30), {
      signal: stop.signal,
      renew: async (name) => {
        renewed.push(name)
        if (renewed.length === 20) queueMicrotask(() => stop.abort())
      },
      onFailure: assert.fail,
    })
    assert.equal(renewed.length, 20)
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
