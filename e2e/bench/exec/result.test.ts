import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeExec, execResult } from './result.ts'

const result = execResult({ direct: 128, tree: 96 }, { direct: 47, tree: 56 }, 9)

describe('what the benchmark of exec prints', () => {
  it('is for scripts the figures of both sides, and the ratio of their throughputs', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(result)), {
      direct: { mibPerSecond: 128, firstByteMs: 47 },
      tree: { mibPerSecond: 96, firstByteMs: 56, idleSessionKiB: 9 },
      ratio: 0.75,
    })
  })

  it('is for people the same', () => {
    assert.match(describeExec(result), /ratio 0\.75, 9\.0 ms added to the first byte, 9 KiB for an idle session$/)
  })
})
