import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeNetwork, networkResult } from './result.ts'

const figures = (gbitPerSecond: number, rttMs: number) => ({ gbitPerSecond, rttMs })
const plan = { clusters: 50, nodesPerCluster: 100, fullPlanMs: 1100, oneNodeMs: 38, largestNodeConfigKiB: 145 }
const result = networkResult({
  vxlan: { veth: figures(9, 0.03), plain: figures(8, 0.05), kosmos: figures(6, 0.06) },
  wireguard: { plain: figures(0.4, 0.4), kosmos: figures(0.2, 0.5), implementation: 'wireguard-go' },
  joinToPingSeconds: 3.6,
  plan,
})

describe('what the benchmark of the network prints', () => {
  it('is for scripts the figures of each tunnel beside the same by hand, and their ratio', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(result)), {
      veth: { gbitPerSecond: 9, rttMs: 0.03 },
      vxlan: {
        plain: { gbitPerSecond: 8, rttMs: 0.05 },
        kosmos: { gbitPerSecond: 6, rttMs: 0.06 },
        ratio: 0.75,
        implementation: 'kernel',
      },
      wireguard: {
        plain: { gbitPerSecond: 0.4, rttMs: 0.4 },
        kosmos: { gbitPerSecond: 0.2, rttMs: 0.5 },
        ratio: 0.5,
        implementation: 'wireguard-go',
      },
      joinToPingSeconds: 3.6,
      plan,
    })
  })

  it('is for people the same', () => {
    assert.match(describeNetwork(result), /ratio of vxlan 0\.75, of wireguard \(wireguard-go\) 0\.50$/m)
  })
})
