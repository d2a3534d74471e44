import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventSink } from '../root/events.ts'
import type { WatchedCopy } from './content-state.ts'
import { ContestedCopies, type SetRight, type Stepped } from './contested.ts'
import { changedInLeaf } from './events.ts'

const copy = (version: string, fields: string, ...others: readonly string[]): WatchedCopy => ({
  content: { version, fields, others, isWhole: true },
})
const lacking = (version: string, fields: string): WatchedCopy => ({
  content: { version, fields, others: [], isWhole: false },
})

const setRight = (name: string): SetRight => ({ what: `ConfigMap ${name}`, toldOn: [{ metadata: { name } }] })
/** What is told of a copy that flux writes to. */
const byFlux = (name: string, times: number, pauseMs: number) =>
  `${name}: ${changedInLeaf(`ConfigMap ${name}`, 'east', { by: 'flux', times, pauseMs }).note}`

/** Copies with a clock of their own. */
function contested() {
  const told: string[] = []
  const clock = { now: 0 }
  const events: EventSink = { record: ({ metadata }, { note }) => told.push(`${metadata?.name}: ${note}`) }
  const copies = new ContestedCopies<string>({ clusterName: 'east', events }, () => clock.now)
  /** Who is to be overwritten in a copy. */
  const writerOf = async (key: string, copy: WatchedCopy | undefined) => {
    let writer: string | undefined
    await copies.around(key, copy, async (by) => {
      writer = by
      return undefined
    })
    return writer
  }
  /** Sets a copy right if that may be done now. */
  const settle = (key: string) =>
    copies.around(key, copy('1', 'x', 'flux'), async (by) => (by ? setRight(key) : undefined))
  return { copies, clock, told, writerOf, settle }
}

describe('who else writes to a copy', () => {
  it('is told by name', async () => {
    const { writerOf } = contested()
    assert.equal(await writerOf('a', copy('1', 'x')), undefined)
    assert.equal(await writerOf('a', copy('1', 'x', 'kubectl-edit', 'flux')), 'kubectl-edit, flux')
    assert.equal(await writerOf('b', copy('1', 'x', 'flux')), 'flux', 'also when it is seen for the first time')
  })

  it('is somebody when fields are gone that our version had', async () => {
    const { writerOf } = contested()
    await writerOf('a', copy('1', 'x y'))
    assert.equal(await writerOf('a', copy('1', 'x')), 'somebody')
    assert.equal(await writerOf('a', copy('1', 'x')), 'somebody', 'until it is set right')
    assert.equal(await writerOf('a', copy('1', 'x y')), undefined)
  })

  it('is nobody when our next version has other fields, whatever the leaf’s admission made of it', async () => {
    const { writerOf } = contested()
    await writerOf('a', copy('1', 'x y'))
    assert.equal(await writerOf('a', copy('2', 'x injected')), undefined)
    assert.equal(await writerOf('a', copy('2', 'x injected')), undefined)
    assert.equal(await writerOf('a', copy('2', 'x')), 'somebody')
  })

  it('is somebody when a field is gone that we noted, and it is seen for the first time, until it is set right', async () => {
    const { writerOf } = contested()
    for (const _ of [1, 2]) assert.equal(await writerOf('a', lacking('1', 'x')), 'somebody')
    assert.equal(await writerOf('a', lacking('2', 'x')), undefined, 'the leaf’s API server does not know it')
    assert.equal(await writerOf('a', lacking('2', 'x')), undefined)
    assert.equal(await writerOf('a', lacking('2', '')), 'somebody')
  })

  it('is not known of a copy that is gone, or where nothing is told', async () => {
    const { writerOf } = contested()
    await writerOf('a', copy('1', 'x y'))
    assert.equal(await writerOf('a', undefined), undefined)
    assert.equal(await writerOf('a', copy('1', 'x')), undefined)
    assert.equal(await writerOf('a', {}), undefined)
  })
})

describe('a step for a copy', () => {
  it('is what it says where nobody else writes', async () => {
    const { copies, told } = contested()
    for (const stepped of [undefined, { afterMs: 7 }] as const)
      assert.deepEqual(await copies.around('a', copy('1', 'x'), async () => stepped), stepped)
    assert.deepEqual(told, [])
  })

  it('that did not set a copy right is taken up as nothing, whoever wrote to it', async () => {
    const { copies, told, writerOf } = contested()
    const theirs = copy('1', 'x', 'flux')
    assert.deepEqual(await copies.around('a', theirs, async () => ({ afterMs: 7 })), { afterMs: 7 })
    await assert.rejects(copies.around('a', theirs, () => Promise.reject(new Error('no'))))
    assert.equal(await writerOf('a', theirs), 'flux')
    assert.deepEqual(told, [])
  })

  it('is told on every object that it names when it set the copy right', async () => {
    const { copies, told, settle } = contested()
    assert.deepEqual(await settle('a'), { afterMs: 1_000 }, 'somebody may have written again by then')
    assert.deepEqual(told, [byFlux('a', 1, 1_000)])
    const toldOn = [{ metadata: { name: 'b' } }, { metadata: { name: 'its pod' } }]
    await copies.around('b', copy('1', 'x', 'flux'), async () => ({ ...setRight('b'), toldOn }))
    assert.deepEqual(told.slice(1), [byFlux('b', 1, 1_000), byFlux('b', 1, 1_000).replace('b', 'its pod')])
  })

  it('leaves the copy to them for a while then, and does what else is to be done, sooner if that is due sooner', async () => {
    const { copies, clock, told, settle } = contested()
    await settle('a')
    clock.now += 400
    const theirs = copy('1', 'x', 'flux')
    for (const [stepped, afterMs] of [
      [undefined, 600],
      [{ afterMs: 599 }, 599],
      [{ afterMs: 601 }, 600],
    ] satisfies [Stepped, number][]) {
      const step = async (by: string | undefined) => {
        assert.equal(by, undefined)
        return stepped
      }
      assert.deepEqual(await copies.around('a', theirs, step), { afterMs })
    }
    assert.equal(told.length, 1)
    assert.deepEqual(await copies.around('a', copy('1', 'x'), async () => undefined), undefined, 'they have left it')
  })
})

describe('a copy that is set right', () => {
  it('is left alone for twice as long each time, and for an hour at most', async () => {
    const { clock, told, settle } = contested()
    for (let times = 1; times <= 40; times++) {
      const pauseMs = Math.min(1_000 * 2 ** (times - 1), 3_600_000)
      assert.deepEqual(await settle('a'), { afterMs: pauseMs })
      assert.equal(told.at(-1), byFlux('a', times, pauseMs))
      assert.deepEqual(await settle('a'), { afterMs: pauseMs })
      clock.now += pauseMs
    }
    assert.equal(told.length, 40)
    await settle('b')
    assert.equal(told.at(-1), byFlux('b', 1, 1_000), 'others are not concerned')
  })

  it('counts anew when nobody wrote for an hour', async () => {
    const { clock, told, settle } = contested()
    await settle('a')
    clock.now = 3_601_000
    await settle('a')
    assert.equal(told.at(-1), byFlux('a', 2, 2_000))
    clock.now += 2_000 + 3_600_001
    await settle('b')
    await settle('a')
    assert.equal(told.at(-1), byFlux('a', 1, 1_000))
  })

  it('is written no more than some twenty times in a day, however often somebody else writes', async () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3_600_000 }), { minLength: 300, maxLength: 600 })
    await fc.assert(
      fc.asyncProperty(gaps, async (gaps) => {
        const { clock, told, settle } = contested()
        for (const gap of gaps) {
          clock.now += gap
          if (clock.now > 86_400_000) break
          await settle('a')
        }
        assert.ok(told.length <= 12 + 24, `${told.length}`)
      }),
    )
  })
})
