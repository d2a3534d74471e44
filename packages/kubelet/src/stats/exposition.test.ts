import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CounterSums } from './counter-sums.ts'
import { mergeExpositions } from './exposition.ts'

const copies = new Map([
  ['shop/web', { rootUid: 'root-web', leafUid: 'leaf-web' }],
  ['shop/db', { rootUid: 'root-db', leafUid: 'leaf-db' }],
])

let round = 0
/** What kubelets have said, the first of them on node 0. */
const merged = (texts: readonly string[], failed = 0, counters = new CounterSums()) =>
  mergeExpositions(
    { round: ++round, bodies: new Map(texts.map((text, i) => [`${i}`, text])), failed },
    copies,
    counters,
  )

const first = `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web"} 4.71 1000
container_cpu_usage_seconds_total{container="main",namespace="kube-system",pod="web"} 9 1000
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time of the node
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 100.5 1000
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 10
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
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 20
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# TYPE prober_probe_duration_seconds histogram
prober_probe_duration_seconds_bucket{namespace="shop",pod="db",pod_uid="leaf-db",le="0.005"} 3
prober_probe_duration_seconds_sum{namespace="shop",pod="db",pod_uid="an-earlier-one"} 3
prober_probe_duration_seconds_sum{namespace="shop",pod="db",pod_uid="leaf-db"} 0.2
`

describe('the exposition of a virtual node', () => {
  it('has the series of its pods, family by family, and what its nodes have together', () => {
    assert.equal(
      merged([first, second]),
      `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",pod="web",namespace="shop"} 4.71 1000
container_cpu_usage_seconds_total{container="main",pod="db",namespace="shop"} 2 3000
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time of the node
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 0 3000
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 30
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
    assert.match(merged([first, second], 2), /^resource_scrape_error 1$/m)
  })

  it('counts on from what it has said when a node joins or leaves', () => {
    const counters = new CounterSums()
    const said = (...seconds: number[]) => {
      const texts = seconds.map(
        (value) => `# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total ${value}\n`,
      )
      return merged(texts, 0, counters).match(/^node_cpu_usage_seconds_total (.*)$/m)?.[1]
    }
    assert.deepEqual([said(100), said(101, 5_000), said(102, 5_001), said(104)], ['0', '1', '3', '5'])
  })

  it('has nothing of its nodes while one is missing: what that has would come all at once', () => {
    const text = merged([first, second], 1)
    assert.doesNotMatch(text, /node_cpu_usage/)
    assert.match(text, /pod="web"/)
  })

  it('has the uid of the root also in the names of cgroups, however they are written', () => {
    const line = (dashed: string, underscored: string) =>
      `container_x{id="/kubepods/pod${dashed}/c",namespace="shop",pod="web"} 1\ncontainer_x{id="/pod${underscored}.slice/c",namespace="shop",pod="web"} 1\n`
    const ordered = line('root-web', 'root_web').replaceAll('namespace="shop",pod="web"', 'pod="web",namespace="shop"')
    assert.equal(merged([line('leaf-web', 'leaf_web')]), ordered)
  })

  it('never shows a pod of others, whatever stands in its labels', () => {
    const value = fc.string().map((text) => text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)))
    fc.assert(
      fc.property(fc.constantFrom('secret', 'kube-system'), value, value, (namespace, before, after) => {
        const line = `container_x{image="${before}",namespace="${namespace}",pod="web",name="${after}"} 1`
        assert.equal(merged([`${line}\n`]), '')
      }),
    )
    const spoof = 'container_x{image="a,namespace=\\"shop\\",pod=\\"web\\"",namespace="secret",pod="web"} 1\n'
    assert.equal(merged([spoof]), '')
  })

  it('is made of any text without an error', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        merged(texts)
      }),
    )
  })
})
