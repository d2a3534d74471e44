import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mergeSummaries, type Summary } from './summary.ts'

const copies = new Map([['shop/web', { rootUid: 'root-web', leafUid: 'leaf-web' }]])
const pod = (name: string, uid: string) => ({ podRef: { name, namespace: 'shop', uid }, cpu: { usageNanoCores: 5 } })
const summary = (nodeName: string, time: string, cores: number, pods: Summary['pods']) =>
  ({
    node: {
      nodeName,
      startTime: `2026-01-0${cores}T00:00:00Z`,
      cpu: { time, usageNanoCores: cores },
      memory: { time, workingSetBytes: cores * 10 },
      network: { time, name: 'eth0' },
    },
    pods,
  }) as Summary

describe('the summary of a virtual node', () => {
  it('has its pods under their uid in the root, and what its nodes use together', () => {
    const merged = mergeSummaries(
      'kosmos-east',
      [
        summary('worker-1', '2026-01-05T00:00:10Z', 2, [pod('web', 'leaf-web'), pod('foreign', 'leaf-foreign')]),
        summary('worker-2', '2026-01-05T00:00:05Z', 3, [pod('web', 'an-earlier-one')]),
      ],
      copies,
      0,
    )
    assert.deepEqual(merged, {
      node: {
        nodeName: 'kosmos-east',
        startTime: '2026-01-02T00:00:00Z',
        cpu: { time: '2026-01-05T00:00:10Z', usageNanoCores: 5 },
        memory: { time: '2026-01-05T00:00:10Z', workingSetBytes: 50 },
      },
      pods: [{ ...pod('web', 'root-web') }],
    })
  })

  it('does not say what its nodes use together while one of them is missing', () => {
    const time = '2026-01-05T00:00:10Z'
    const { node, pods } = mergeSummaries('east', [summary('worker-1', time, 2, [pod('web', 'leaf-web')])], copies, 1)
    assert.deepEqual([node, pods.length], [{ nodeName: 'east', startTime: '2026-01-02T00:00:00Z' }, 1])
  })

  it('is empty when the leaf has no nodes', () => {
    assert.deepEqual(mergeSummaries('kosmos-east', [], copies, 0), { node: { nodeName: 'kosmos-east' }, pods: [] })
  })
})
