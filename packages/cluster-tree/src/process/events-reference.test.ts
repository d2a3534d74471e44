import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const sources = new URL('..', import.meta.url)
const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')

/** Reasons in CamelCase that the code tells to who looks at a pod or Cluster; those of steps (`do: …`) are for tests and logs. */
const reasons = new Set(
  globSync('{pods,clusters}/**/*.ts', { cwd: sources, exclude: ['**/*.test.ts'] })
    .flatMap((file) => readFileSync(new URL(file, sources), 'utf8').split('\n'))
    .filter((line) => !line.includes('do: '))
    .flatMap((line) => [...line.matchAll(/\breason: '([A-Z]\w+)'/g)].map(([, reason = '']) => reason)),
)

describe('docs/reference/events.md', () => {
  for (const reason of ['CreatedInLeaf', 'NameTakenInLeaf']) {
    it(`is held against the code, which says ${reason}`, () => assert.ok(reasons.has(reason)))
  }
  it('explains every reason that a user can see', () => {
    const missing = [...reasons].filter((reason) => !page.includes(`\`${reason}\``))
    assert.deepEqual(missing, [])
  })
})
