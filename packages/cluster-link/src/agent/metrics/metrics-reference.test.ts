import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type MetricObject, Registry } from 'prom-client'
import { dropReasons, sources } from './figures.ts'
import { registerLinkMetrics } from './register.ts'

/** As prom-client keeps a metric, beyond what its types tell. */
type Registered = MetricObject & { readonly labelNames: readonly string[] }

const page = readFileSync(new URL('../../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
const documented = page.split('\n').filter((line) => line.startsWith('| `kosmos_link_'))

describe('docs/reference/metrics.md', () => {
  it('has every metric of an agent with its type, labels and sentence of help, and no other', () => {
    const registry = new Registry()
    registerLinkMetrics(registry, () => Promise.reject(new Error('nobody scrapes')))
    const rows = (registry.getMetricsAsArray() as Registered[]).map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`
    })
    assert.deepEqual(documented.toSorted(), rows.toSorted())
  })

  for (const value of [...dropReasons, ...sources]) {
    it(`explains ${value}`, () => assert.ok(page.includes(`\`${value}\``)))
  }
})
