import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createKubeletApi } from '@kosmos/kubelet'
import type { MetricObject } from 'prom-client'
import { createMetrics } from './metrics.ts'

/** As prom-client keeps a metric, beyond what its types tell. */
type Registered = MetricObject & { readonly labelNames: readonly string[] }

const page = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
/** The agents of ClusterLink have a section of their own, which is held against them. */
const documented = page.split('\n').filter((line) => line.startsWith('| `kosmos_') && !line.includes('`kosmos_link_'))

/** What the process serves at /metrics, besides what prom-client knows of every process of Node. */
async function registered(): Promise<Registered[]> {
  const { registry } = createMetrics()
  const nobody = async () => undefined
  await createKubeletApi({ authenticate: nobody, authorize: async () => false, registry, log: () => {} })
  return (registry.getMetricsAsArray() as Registered[]).filter(({ name }) => name.startsWith('kosmos_'))
}

describe('docs/reference/metrics.md', () => {
  it('has every metric of ours with its type, labels and sentence of help, and no other', async () => {
    const rows = (await registered()).map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`
    })
    assert.deepEqual(documented.toSorted(), rows.toSorted())
  })
})
