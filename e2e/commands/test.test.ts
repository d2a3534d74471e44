import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, it } from 'node:test'

/** As npm test runs it; not as a part of the run that this test is in. */
function npmTest(...words: string[]) {
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const cwd = path.resolve(import.meta.dirname, '../..')
  const { status, stdout } = spawnSync(process.execPath, ['e2e/commands/test.ts', ...words], {
    cwd,
    env,
    encoding: 'utf8',
  })
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

describe('npm test', () => {
  it('ends with a line for scripts, and with 0 if nothing failed', () => {
    const { status, lastLine } = npmTest('kosmosctl/src/output/age.test.ts')
    assert.match(lastLine ?? '', /^[1-9]\d* passed, 0 failed, 0 skipped$/)
    assert.equal(status, 0)
  })

  it('fails when its words select no test', () => {
    assert.deepEqual(npmTest('no/such/test'), { status: 1, lastLine: '0 passed, 0 failed, 0 skipped' })
  })
})
