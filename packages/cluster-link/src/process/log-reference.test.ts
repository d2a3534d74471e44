import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const packages = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('../docs/reference/cluster-link.md', packages), 'utf8')

/** Events that are written to the log. */
const events = new Set(
  globSync('cluster-link/src/**/*.ts', { cwd: packages, exclude: ['**/*.test.ts', '**/*fixture.ts'] })
    .map((file) => readFileSync(new URL(file, packages), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\blog\(\s*[^,()]+, '([a-z-]+\.[\w.-]+)'|\bpersist\('([\w.-]+)'/g)])
    .map(([, event, step]) => event ?? `${step}.failed`),
)

describe('the log lines in docs/reference/cluster-link.md', () => {
  it('are held against the code, which has link.token.renewed', () => assert.ok(events.has('link.token.renewed')))

  it('are all that the code has', () => {
    assert.deepEqual(
      [...events].filter((event) => !page.includes(`\`${event}\``)),
      [],
    )
  })
})
