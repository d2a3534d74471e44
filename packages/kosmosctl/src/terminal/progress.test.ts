import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lines } from './progress.ts'

describe('progress in a log', () => {
  it('has a line for each step and each new state of it', async () => {
    const written: string[] = []
    const progress = lines((line) => written.push(line))
    const result = await progress.step('draining', async (note) => {
      for (const text of ['2 pods left', '2 pods left', '1 pod left']) note(text)
      return 7
    })
    progress.warn('mind this')
    assert.equal(result, 7)
    assert.deepEqual(written, ['draining ...', '  2 pods left', '  1 pod left', 'warning: mind this'])
  })
})
