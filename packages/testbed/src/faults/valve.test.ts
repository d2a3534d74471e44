import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import fc from 'fast-check'
import { Valve } from './valve.ts'

describe('one direction of a line', () => {
  it('passes every byte in order, however often it was frozen in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.boolean())), async (steps) => {
        let frozen = false
        const valve = new Valve(() => ({ frozen, delayMs: 0 }))
        const got: Buffer[] = []
        valve.on('data', (chunk: Buffer) => got.push(chunk))
        for (const step of steps) {
          if (typeof step === 'string') valve.write(step)
          else {
            frozen = step
            valve.release()
          }
        }
        frozen = false
        valve.release()
        valve.end()
        await new Promise((resolve) => valve.once('end', resolve))
        assert.equal(Buffer.concat(got).toString(), steps.filter((s) => typeof s === 'string').join(''))
      }),
    )
  })

  it('passes nothing while it is frozen, not even the end', async () => {
    const valve = new Valve(() => ({ frozen: true, delayMs: 0 }))
    const got: string[] = []
    valve.on('data', () => got.push('data'))
    valve.on('end', () => got.push('end'))
    valve.end('text')
    await tick()
    assert.deepEqual(got, [])
    valve.destroy()
  })

  it('takes only so much while it is frozen', () => {
    const valve = new Valve(() => ({ frozen: true, delayMs: 0 }))
    let accepted = 0
    while (accepted < 100 && valve.write(Buffer.alloc(1 << 16))) accepted++
    assert.ok(accepted < 100)
    valve.destroy()
  })
})
