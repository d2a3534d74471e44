import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'

describe('the address that the tunnels of a node start from', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let agent: AgentProcess
  const device = { type: 'vxlan', name: 'vx-bridge-6', id: 64, port: 4866, mtu: 1430, local: '2001:db8::1' } as const
  const spec = { nodeName: 'a', devices: [{ ...device, addr6: 'fd22::1/128', mac: '02:00:00:00:00:01' }] }
  const found = () => eventually('it is found', async () => agent.report().underlay)

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24', '2001:db8::1/64'] })
    a = hostOf(network, 'a')
    agent = await startAgent(network, a, spec)
  })
  after(() => network?.end())

  it('stays when the interface gets another one of IPv6, and a new agent finds the same', async () => {
    assert.equal((await found()).ip6, '2001:db8::1')
    await a.sh('ip address add 2001:db8::99/64 dev eth0 nodad')
    await a.sh('ip address add 192.0.2.99/24 dev eth0')
    agent.process.kill('SIGKILL')
    agent = await startAgent(network, a, spec)
    const { ip, ip6 } = await found()
    assert.deepEqual([ip, ip6], ['192.0.2.1', '2001:db8::1'])
  })

  it('is another one when it has gone', async () => {
    await a.sh('ip address delete 2001:db8::1/64 dev eth0')
    await eventually('it is the other one', async () => agent.report().underlay?.ip6 === '2001:db8::99')
  })
})
