import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { inOrder } from './run-tests.ts'

/** What is counted of a test file; not as a part of the run that this test is in. */
function countsOf(text: string) {
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const folder = mkdtempSync(join(tmpdir(), 'kosmos-run-tests-'))
  const [file, script] = [join(folder, 'a.test.mjs'), join(folder, 'run.mjs')]
  try {
    writeFileSync(file, `import { after, describe, it } from 'node:test'\n${text}`)
    writeFileSync(
      script,
      `import { runTests, runTogether } from '${join(import.meta.dirname, 'run-tests.ts')}'
      const counts = [await runTests(['${file}'], 1), await runTogether(['${file}'])]
      process.stdout.write('\\n' + JSON.stringify(counts))`,
    )
    const { stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' })
    const [alone, together] = JSON.parse(stdout.split('\n').at(-1) || stderr)
    return { alone, together }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('what a run counts', () => {
  const fails = "() => { throw new Error('of this test') }"
  const withOnePassed = { passed: 1, failed: 1, skipped: 0 }

  it('is each test once', () => {
    const counts = { passed: 1, failed: 1, skipped: 1 }
    const text = `describe('suite', () => { it('a', () => {}); it('b', ${fails}); it('c', { skip: true }) })`
    assert.deepEqual(countsOf(text), { alone: counts, together: counts })
  })

  it('has what fails after the last test of a suite, or of the file', () => {
    const counts = { alone: withOnePassed, together: withOnePassed }
    assert.deepEqual(countsOf(`describe('suite', () => { after(${fails}); it('a', () => {}) })`), counts)
    assert.deepEqual(countsOf(`it('a', () => {}); after(${fails})`), counts)
  })
})

describe('the order of test files', () => {
  it('has a short one after each long one, and what is left at the end', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `e2e/scenarios/${name}.test.ts`)
    const [clusters, link] = ['clusters', 'link'].map((name) => `e2e/scenarios/${name}.test.ts`)
    assert(a && b && c && clusters && link)
    assert.deepEqual(inOrder([a, b, c, clusters, link]), [clusters, a, link, b, c])
    assert.deepEqual(inOrder([clusters, link, a]), [clusters, a, link])
  })

  it('has every file once', () => {
    assert.deepEqual(inOrder(['x', 'y']), ['x', 'y'])
    assert.deepEqual(inOrder([]), [])
  })
})
