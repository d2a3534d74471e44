import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredClusterNode } from '../resources.ts'
import { TunnelIDs } from './tunnel-ids.ts'

const networks = (ip: string) => ({ bridgeCIDRs: { ip, ip6: '' }, localCIDRs: { ip: '210.0.0.0/8', ip6: '' } })
const [wide, narrow] = [networks('220.0.0.0/8'), networks('220.0.0.0/16')]
const stored = (name: string, tunnelID: number) =>
  ({ metadata: { name: `a-${name}` }, spec: { clusterName: 'a', nodeName: name, tunnelID } }) as StoredClusterNode
const n1 = { cluster: 'a', node: 'n1', ip: '172.30.0.11' }
const n2 = { cluster: 'a', node: 'n2', ip: '172.31.0.11' }

describe('the number of a node', () => {
  it('stays, also when another cluster has room for fewer', () => {
    const ids = new TunnelIDs(() => [stored('n1', 1_966_091)])
    assert.equal(ids.idOf(n1, wide, [wide, narrow]), 1_966_091)
  })

  it('is another one when its own cluster has no address for it any more', () => {
    let known = [stored('n1', 1_966_091), stored('n2', 2_031_627)]
    const ids = new TunnelIDs(() => known)
    const first = ids.idOf(n1, narrow, [narrow])
    assert.equal(first, 11)
    const second = ids.idOf(n2, narrow, [narrow])
    assert.equal(second, 12, 'what was given is taken, though nobody has heard of it')
    assert.equal(ids.idOf(n1, narrow, [narrow]), first)
    known = [stored('n1', first), stored('n2', second)]
    assert.equal(ids.idOf(n1, narrow, [narrow]), first)
    assert.equal(ids.idOf(n2, narrow, [narrow]), second)
  })
})
