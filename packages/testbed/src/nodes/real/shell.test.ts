import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { line } from './shell.ts'

describe('a command line made of words', () => {
  it('reaches the command as the same words, whatever is in them', () => {
    const word = fc.string({ unit: 'binary-ascii', maxLength: 20 }).map((text) => text.replaceAll('\0', ''))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const script = line('printf', '%s\\0', ...words)
        assert.equal(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), `${words.join('\0')}\0`)
      }),
      { numRuns: 30 },
    )
  })
})
