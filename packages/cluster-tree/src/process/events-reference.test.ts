import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const sources = new URL('..', import.meta.url)
const reference = new URL('../../../../docs/reference/', import.meta.url)
/** The reasons of conditions of a Cluster are in the page that is generated from its schema. */
const pages = ['events.md', 'cluster.md'].map((file) => readFileSync(new URL(file, reference), 'utf8')).join('\n')

/** Reasons in CamelCase that the code tells to who looks at a pod or Cluster; those of steps (`do: …`) are for tests and logs. */
const reasons = new Set(
  globSync('{pods,configuration,tokens,volumes,services,endpoints,trust,certificates,clusters,leaf-loss}/**/*.ts', {
    cwd: sources,
    exclude: ['**/*.test.ts'],
  })
    .flatMap((file) => readFileSync(new URL(file, sources), 'utf8').split('\n'))
    .filter((line) => !line.includes('do: '))
    .flatMap((line) => [...line.matchAll(/\breason: '([A-Z]\w+)'/g)].map(([, reason = '']) => reason)),
)

describe('docs/reference/events.md', () => {
  for (const reason of ['CreatedInLeaf', 'NameTakenInLeaf']) {
    it(`is held against the code, which says ${reason}`, () => assert.ok(reasons.has(reason)))
  }
  it('explains every reason that a user can see', () => {
    const missing = [...reasons].filter((reason) => !pages.includes(`\`${reason}\``))
    assert.deepEqual(missing, [])
  })
})
