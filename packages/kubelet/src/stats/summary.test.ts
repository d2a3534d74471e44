import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CounterSums } from './counter-sums.ts'
import { mergeSummaries, type Summary } from './summary.ts'

const copies = new Map([['shop/web', { rootUid: 'root-web', leafUid: 'leaf-web' }]])
const pod = (name: string, uid: string) => ({ podRef: { name, namespace: 'shop', uid }, cpu: { usageNanoCores: 5 } })
const summary = (nodeName: string, time: string, cores: number, pods: Summary['pods']) =>
  ({
    node: {
      nodeName,
      startTime: `2026-01-0${cores}T00:00:00Z`,
      cpu: { time, usageNanoCores: cores, usageCoreNanoSeconds: cores * 1_000 },
      memory: { time, workingSetBytes: cores * 10 },
      network: { time, name: 'eth0' },
    },
    pods,
  }) as Summary

const since = new Date('2026-01-05T00:00:00Z')
const startTime = since.toISOString()
let round = 0
/** What kubelets have said. */
const merge = (summaries: readonly Summary[], failed = 0, counters = new CounterSums(since)) => {
  const bodies = new Map(summaries.map((summary) => [summary.node.nodeName, summary]))
  return mergeSummaries('kosmos-east', { round: ++round, bodies, failed }, copies, counters)
}

describe('the summary of a virtual node', () => {
  it('has its pods under their uid in the root, and what its nodes use together', () => {
    const merged = merge([
      summary('worker-1', '2026-01-05T00:00:10Z', 2, [pod('web', 'leaf-web'), pod('foreign', 'leaf-foreign')]),
      summary('worker-2', '2026-01-05T00:00:05Z', 3, [pod('web', 'an-earlier-one')]),
    ])
    assert.deepEqual(merged, {
      node: {
        nodeName: 'kosmos-east',
        startTime,
        cpu: { time: '2026-01-05T00:00:10Z', usageNanoCores: 5, usageCoreNanoSeconds: 0 },
        memory: { time: '2026-01-05T00:00:10Z', workingSetBytes: 50 },
      },
      pods: [{ ...pod('web', 'root-web') }],
    })
  })

  it('does not say what its nodes use together while one of them is missing', () => {
    const time = '2026-01-05T00:00:10Z'
    const { node, pods } = merge([summary('worker-1', time, 2, [pod('web', 'leaf-web')])], 1)
    assert.deepEqual([node, pods.length], [{ nodeName: 'kosmos-east', startTime }, 1])
  })

  it('counts on from what it has said when a node joins or leaves', () => {
    const counters = new CounterSums()
    const said = (...cores: number[]) => {
      const { node } = merge(
        cores.map((value, i) => summary(`worker-${i}`, '2026-01-05T00:00:10Z', value, [])),
        0,
        counters,
      )
      return (node.cpu as { usageCoreNanoSeconds: number }).usageCoreNanoSeconds
    }
    assert.deepEqual([said(2), said(3, 7), said(3, 8), said(4)], [0, 1_000, 2_000, 3_000])
  })

  it('is empty when the leaf has no nodes', () => {
    assert.deepEqual(merge([]), { node: { nodeName: 'kosmos-east', startTime }, pods: [] })
  })
})
