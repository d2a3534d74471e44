import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { WatchedCopy } from './content-state.ts'
import { ContestedCopies } from './contested.ts'

const copy = (version: string, fields: string, ...others: readonly string[]): WatchedCopy => ({
  content: { version, fields, others },
})

describe('who else writes to a copy', () => {
  it('is told by name', () => {
    const copies = new ContestedCopies()
    assert.equal(copies.writerOf('a', copy('1', 'x')), undefined)
    assert.equal(copies.writerOf('a', copy('1', 'x', 'kubectl-edit', 'flux')), 'kubectl-edit, flux')
    assert.equal(copies.writerOf('b', copy('1', 'x', 'flux')), 'flux', 'also when it is seen for the first time')
  })

  it('is somebody when fields are gone that our version had', () => {
    const copies = new ContestedCopies()
    copies.writerOf('a', copy('1', 'x y'))
    assert.equal(copies.writerOf('a', copy('1', 'x')), 'somebody')
    assert.equal(copies.writerOf('a', copy('1', 'x')), 'somebody', 'until it is set right')
    assert.equal(copies.writerOf('a', copy('1', 'x y')), undefined)
  })

  it('is nobody when our next version has other fields, whatever the leaf’s admission made of it', () => {
    const copies = new ContestedCopies()
    copies.writerOf('a', copy('1', 'x y'))
    assert.equal(copies.writerOf('a', copy('2', 'x injected')), undefined)
    assert.equal(copies.writerOf('a', copy('2', 'x injected')), undefined)
    assert.equal(copies.writerOf('a', copy('2', 'x')), 'somebody')
  })

  it('is not known of a copy that is gone, or where nothing is told', () => {
    const copies = new ContestedCopies()
    copies.writerOf('a', copy('1', 'x y'))
    assert.equal(copies.writerOf('a', undefined), undefined)
    assert.equal(copies.writerOf('a', copy('1', 'x')), undefined)
    assert.equal(copies.writerOf('a', {}), undefined)
  })
})

describe('a copy that is set right', () => {
  it('is left alone for twice as long each time, and for an hour at most', () => {
    const copies = new ContestedCopies()
    let now = 0
    assert.equal(copies.pauseMs('a', now), 0)
    for (let times = 1; times <= 40; times++) {
      const pauseMs = Math.min(1_000 * 2 ** (times - 1), 3_600_000)
      assert.deepEqual(copies.setRight('a', now), { times, pauseMs })
      assert.equal(copies.pauseMs('a', now), pauseMs)
      now += pauseMs
      assert.equal(copies.pauseMs('a', now), 0)
    }
    assert.equal(copies.pauseMs('b', now), 0, 'others are not concerned')
  })

  it('counts anew when nobody wrote for an hour', () => {
    const copies = new ContestedCopies()
    copies.setRight('a', 0)
    assert.equal(copies.setRight('a', 3_601_000).times, 2)
    const quiet = 3_601_000 + 2_000 + 3_600_001
    assert.equal(copies.setRight('b', quiet).times, 1)
    assert.equal(copies.setRight('a', quiet).times, 1)
  })

  it('is written no more than some twenty times in a day, however often somebody else writes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_600_000 }), { minLength: 300, maxLength: 600 }), (gaps) => {
        const copies = new ContestedCopies()
        let [now, written] = [0, 0]
        for (const gap of gaps) {
          now += gap
          if (now > 86_400_000) break
          if (copies.pauseMs('a', now) > 0) continue
          copies.setRight('a', now)
          written++
        }
        assert.ok(written <= 12 + 24, `${written}`)
      }),
    )
  })
})
