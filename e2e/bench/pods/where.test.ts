import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { between, lists, requestCounts } from './where.ts'

describe('where the work of a benchmark went', () => {
  const exposition = `# HELP kosmos_api_requests_total Requests
kosmos_api_requests_total{cluster="root",verb="patch",code="200"} 30
kosmos_api_requests_total{cluster="root",verb="patch",code="404"} 2
kosmos_api_requests_total{cluster="leaf1",verb="list",code="200"} 3
other_total{cluster="root",verb="patch",code="200"} 7
`
  it('counts requests by cluster and verb, whatever their status', () => {
    assert.deepEqual(
      [...requestCounts(exposition)],
      [
        ['root patch', 32],
        ['leaf1 list', 3],
      ],
    )
  })

  it('knows lists from everything else', () => {
    assert.equal(lists({ cpu: new Map(), requests: requestCounts(exposition) }), 3)
  })

  it('is the difference between two looks, per pod, also for what was not there at the first', () => {
    const before = { cpu: new Map([['root/etcd', 100]]), requests: new Map([['root get', 4]]) }
    const after = {
      cpu: new Map([
        ['root/etcd', 300],
        ['leaf1/kwok', 50],
      ]),
      requests: new Map([['root get', 14]]),
    }
    assert.deepEqual(between(before, after, 10), {
      cpuMsPerPod: { 'root/etcd': 20, 'leaf1/kwok': 5 },
      requestsPerPod: { 'root get': 1 },
    })
  })
})
