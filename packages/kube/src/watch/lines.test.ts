import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createLineSplitter, LineTooLong } from './lines.ts'

/** Text as a watch may hold it: short lines, empty ones, characters of one to four bytes. */
const text = fc
  .array(
    fc.oneof(fc.constantFrom('\n', '\n\n', 'ä', '€', '🚀', '{"a":1}'), fc.string({ unit: 'binary', maxLength: 8 })),
  )
  .map((parts) => Buffer.from(parts.join(''), 'utf8'))

function split(chunks: readonly Buffer[]): string[] {
  const lines: string[] = []
  const push = createLineSplitter((line) => lines.push(line.toString()))
  for (const chunk of chunks) push(chunk)
  return lines
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('a stream of lines', () => {
  it('gives the same lines however it is cut into chunks, also within a character', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 20 }), (bytes, places) => {
        const whole = bytes.toString('utf8').split('\n').slice(0, -1)
        assert.deepEqual(
          split(cut(bytes, places)),
          whole.filter((line) => line !== ''),
        )
      }),
    )
  })

  it('gives every line as soon as its end has come, byte by byte', () => {
    const bytes = Buffer.from('{"grüße":"🚀"}\n\n{"b":2}\nunfinished')
    assert.deepEqual(split([...bytes].map((byte) => Buffer.from([byte]))), ['{"grüße":"🚀"}', '{"b":2}'])
  })

  it('is refused when a line does not end, however small its pieces are; many lines are not', () => {
    for (const size of [1, 1_000, 100_000]) {
      const push = createLineSplitter(() => {}, 1 << 20)
      const line = Buffer.concat([Buffer.alloc(size), Buffer.from('\n')])
      for (let sent = 0; sent < 4 << 20; sent += size + 1_000) push(line)
      assert.throws(() => {
        for (let sent = 0; sent <= 1 << 20; sent += size) push(Buffer.alloc(size))
      }, LineTooLong)
    }
  })
})
