import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { allot, type Share } from '../seats/seats.ts'
import { Group } from './group.ts'
import type { Standing } from './standing.ts'

const shares: readonly Share[] = [
  { name: 'leaf1', weight: 1, min: 0, max: 2 },
  { name: 'leaf2', weight: 1, min: 0, max: 1 },
]
const isWaiting = ({ isGated, share }: Standing) => isGated && share === undefined

const isReady = fc.boolean()
const asked = fc
  .constantFrom(undefined, undefined, ['leaf2'], ['nowhere'], ['leaf1', 'nowhere'], ['nowhere', 'leaf1'])
  .map((values) => values && new Set(values))
const waiting = fc.record({
  share: fc.constant(undefined),
  number: fc.constant(undefined),
  isGated: fc.constant(true),
  asked,
  isReady,
})
const elsewhere = fc.record({
  share: fc.constant(undefined),
  number: fc.constant(undefined),
  isGated: fc.constant(false),
  asked,
  isReady,
})
const seated = fc.record({
  share: fc.constantFrom(0, 1),
  number: fc.constantFrom(undefined, 1, 2),
  isGated: fc.boolean(),
  asked,
  isReady,
})
const standing = fc.oneof<fc.Arbitrary<Standing>[]>(waiting, waiting, elsewhere, seated, seated)
const steps = fc.array(
  fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), to: fc.option(standing, { freq: 6 }) }),
  { minLength: 10, maxLength: 40 },
)

/** The same without keeping anything up to date: the pods, those that wait in the order in which they began to. */
class Model {
  readonly pods = new Map<string, Standing>()
  #queue: readonly string[] = []

  step(key: string, to: Standing | null): void {
    const old = this.pods.get(key)
    const keepsTurn = old && to && isWaiting(old) && isWaiting(to) && isDeepStrictEqual(old.asked, to.asked)
    if (to) this.pods.set(key, to)
    else this.pods.delete(key)
    if (keepsTurn) return
    this.#queue = this.#queue.filter((one) => one !== key)
    if (to && isWaiting(to)) this.#queue = [...this.#queue, key]
  }

  count(counts: (one: Standing) => boolean): number {
    return [...this.pods.values()].filter(counts).length
  }

  /** By what they ask for, the one that came first, where there is room. */
  get first(): string[] {
    const taken = shares.map((_, share) => this.count((one) => one.share === share))
    const hasRoom = (asked: Standing['asked']) => {
      const free = shares.map(({ name }, i) => ({ name, isFree: (taken[i] ?? 0) < (shares[i]?.max ?? 0) }))
      const those = free.filter(({ name }) => asked === undefined || asked.has(name))
      return those.length === 0 || those.some(({ isFree }) => isFree)
    }
    const asked = (key: string) => this.pods.get(key)?.asked
    return this.#queue.filter(
      (key) => hasRoom(asked(key)) && this.#queue.find((other) => isDeepStrictEqual(asked(other), asked(key))) === key,
    )
  }
}

describe('pods that are counted together', () => {
  it('have the counts, turns and numbers that follow from where each stands, whatever happened before', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [group, model] = [new Group({ shares, method: 'Balance' }), new Model()]
        for (const { key, to } of all) {
          model.step(key, to)
          if (to) group.set(key, to)
          else group.delete(key)
          assert.deepEqual([...group.first()].sort(), model.first.toSorted())
        }
        const count = (counts: (one: Standing) => boolean) => model.count(counts)
        const byShare = (counts: (one: Standing) => boolean) =>
          shares.map((_, share) => count((one) => one.share === share && counts(one)))
        assert.deepEqual(
          {
            size: group.size,
            desired: group.desired,
            taken: group.taken,
            ready: group.ready,
            waiting: group.waiting,
            held: group.held,
            elsewhere: group.elsewhere,
            unready: group.unready,
            isPlacing: group.isPlacing,
          },
          {
            size: model.pods.size,
            desired: allot(shares, 'Balance', model.pods.size),
            taken: byShare(() => true),
            ready: byShare(({ isReady }) => isReady),
            waiting: count(isWaiting),
            held: count((one) => one.isGated && !isWaiting(one)),
            elsewhere: count((one) => !one.isGated && one.share === undefined),
            unready: count((one) => !one.isGated && !one.isReady),
            isPlacing: model.first.length > 0,
          },
        )
        for (const [share, number] of [0, 1].flatMap((share) => [1, 2].map((number) => [share, number] as const))) {
          const isTaken = count((one) => one.share === share && one.number === number) > 0
          assert.equal(group.numbers(share).has(number), isTaken)
        }
        for (const key of ['a', 'b', 'c', 'd', 'e']) {
          const { share, number } = model.pods.get(key) ?? {}
          assert.equal(group.shareOf(key), share)
          assert.deepEqual(
            group.seatOf(key),
            share === undefined || number === undefined ? undefined : { share, number },
          )
        }
      }),
      { numRuns: 300 },
    )
  })
})
