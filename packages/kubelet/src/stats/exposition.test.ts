import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { mergeExpositions } from './exposition.ts'

const copies = new Map([
  ['shop/web', { rootUid: 'root-web', leafUid: 'leaf-web' }],
  ['shop/db', { rootUid: 'root-db', leafUid: 'leaf-db' }],
])

const first = `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web"} 4.71 1000
container_cpu_usage_seconds_total{container="main",namespace="kube-system",pod="web"} 9 1000
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time of the node
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 100.5 1000
# HELP resource_scrape_error [STABLE] 1 if there was an error
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# HELP machine_memory_bytes Memory
machine_memory_bytes{machine_id="x"} 1
`
const second = `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="shop",pod="db"} 2 3000
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 50 3000
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# TYPE prober_probe_duration_seconds histogram
prober_probe_duration_seconds_bucket{namespace="shop",pod="db",pod_uid="leaf-db",le="0.005"} 3
prober_probe_duration_seconds_sum{namespace="shop",pod="db",pod_uid="an-earlier-one"} 3
prober_probe_duration_seconds_sum{namespace="shop",pod="db",pod_uid="leaf-db"} 0.2
`

describe('the exposition of a virtual node', () => {
  it('has the series of its pods, family by family, and the sums of its nodes', () => {
    assert.equal(
      mergeExpositions([first, second], copies, 0),
      `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",pod="web",namespace="shop"} 4.71 1000
container_cpu_usage_seconds_total{container="main",pod="db",namespace="shop"} 2 3000
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time of the node
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 150.5 3000
# HELP resource_scrape_error [STABLE] 1 if there was an error
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# TYPE prober_probe_duration_seconds histogram
prober_probe_duration_seconds_bucket{namespace="shop",pod="db",pod_uid="root-db",le="0.005"} 3
prober_probe_duration_seconds_sum{namespace="shop",pod="db",pod_uid="root-db"} 0.2
`,
    )
  })

  it('says that something is missing when a node did not answer', () => {
    assert.match(mergeExpositions([first, second], copies, 2), /^resource_scrape_error 1$/m)
  })

  it('has no sums while a node is missing: they would fall, and the next would look like much use', () => {
    const text = mergeExpositions([first, second], copies, 1)
    assert.doesNotMatch(text, /node_cpu_usage/)
    assert.match(text, /pod="web"/)
  })

  it('has the uid of the root also in the names of cgroups, however they are written', () => {
    const line = (dashed: string, underscored: string) =>
      `container_x{id="/kubepods/pod${dashed}/c",namespace="shop",pod="web"} 1\ncontainer_x{id="/pod${underscored}.slice/c",namespace="shop",pod="web"} 1\n`
    const ordered = line('root-web', 'root_web').replaceAll('namespace="shop",pod="web"', 'pod="web",namespace="shop"')
    assert.equal(mergeExpositions([line('leaf-web', 'leaf_web')], copies, 0), ordered)
  })

  it('never shows a pod of others, whatever stands in its labels', () => {
    const value = fc.string().map((text) => text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)))
    fc.assert(
      fc.property(fc.constantFrom('secret', 'kube-system'), value, value, (namespace, before, after) => {
        const line = `container_x{image="${before}",namespace="${namespace}",pod="web",name="${after}"} 1`
        assert.equal(mergeExpositions([`${line}\n`], copies, 0), '')
      }),
    )
    const spoof = 'container_x{image="a,namespace=\\"shop\\",pod=\\"web\\"",namespace="secret",pod="web"} 1\n'
    assert.equal(mergeExpositions([spoof], copies, 0), '')
  })

  it('is made of any text without an error', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        mergeExpositions(texts, copies, 0)
      }),
    )
  })
})
