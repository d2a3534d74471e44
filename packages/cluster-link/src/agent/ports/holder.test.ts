import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseUdpPorts, parseVxlanPorts, parseWireGuardPorts } from './holder.ts'

describe('who listens on a UDP port', () => {
  it('is read from the sockets of both families', () => {
    const sockets = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 2931: 00000000:CAA0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 15947276 2 000000005cd3a53c 0
15455: 00000000000000000000000000000000:CAA1 00000000000000000000000000000000:130E 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
`
    assert.deepEqual([...parseUdpPorts(sockets)], [51_872, 51_873])
    assert.deepEqual([...parseUdpPorts('')], [])
  })

  it('is read from the devices of VXLAN, where there are some', () => {
    const shown = JSON.stringify([
      {},
      { ifname: 'flannel.1', linkinfo: { info_kind: 'vxlan', info_data: { id: 1, port: 8472 } } },
    ])
    assert.deepEqual(parseVxlanPorts(shown), [{ device: 'flannel.1', port: 8472 }])
    assert.deepEqual(parseVxlanPorts(''), [])
  })

  it('is read from the devices of WireGuard', () => {
    assert.deepEqual(parseWireGuardPorts('wireguard.cali\t51820\ncilium_wg0\t51871\n'), [
      { device: 'wireguard.cali', port: 51_820 },
      { device: 'cilium_wg0', port: 51_871 },
    ])
  })
})
