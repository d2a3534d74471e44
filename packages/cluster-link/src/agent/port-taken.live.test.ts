import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import { devices } from '../model/names.ts'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { loadIpsecKey } from './ipsec/key.ts'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { ipsecSpec, secureSpec } from './node-config.fixture.ts'
import { removeEverything } from './remove.ts'
import { loadKeyPair } from './wireguard/key.ts'

/** Listens on a UDP port until it is killed. */
const listener = (port: number) => [
  process.execPath,
  '-e',
  `require('node:dgram').createSocket('udp4').bind(${port}, () => console.log('listening'))`,
]

describe('a node where somebody else listens on the port of a tunnel', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let b: Host

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'] })
    a = hostOf(network, 'a')
    b = hostOf(network, 'b')
  })
  after(() => network?.end())

  const vxlan: NodeConfigSpec = {
    nodeName: 'a',
    devices: [
      {
        type: 'vxlan',
        name: devices.bridge.name,
        id: devices.bridge.id,
        port: devices.bridge.port,
        local: '192.0.2.1',
        bindDev: 'eth0',
        addr: '220.0.2.1/32',
        mac: '02:00:00:00:00:01',
        mtu: 1400,
      },
    ],
  }
  const wireGuard = async () => {
    const [own, other] = await Promise.all([a, b].map(({ stateDir }) => loadKeyPair(stateDir)))
    return secureSpec({ number: 1, publicKey: own?.publicKey ?? '' }, [
      { number: 2, publicKey: other?.publicKey ?? '' },
    ])
  }
  const ipsec = async () => {
    const [own, other] = await Promise.all([a, b].map(({ stateDir }) => loadIpsecKey(stateDir)))
    return ipsecSpec({ number: 1, ipsecPublicKey: own?.publicKey ?? '' }, [
      { number: 2, ipsecPublicKey: other?.publicKey ?? '' },
    ])
  }
  const ours = () => a.sh('ip -o link | grep -E "vx-|kl-|ipsec0" || true')

  for (const [title, specOf, device] of [
    ['VXLAN', async () => vxlan, devices.bridge],
    ['WireGuard', wireGuard, devices.wireGuard],
    ['IPsec', ipsec, devices.ipsec],
  ] as const) {
    it(`says which, and by whom, has nothing of ours, and tries again until it is free: ${title}`, async () => {
      const program = network.start(a, listener(device.port))
      await once(program.stdout ?? program, 'data')
      let agent: AgentProcess | undefined
      try {
        agent = await startAgent(network, a, await specOf())
        const { applied } = agent.report()
        const { name, port } = device
        const detail = `UDP port ${port} of ${name} is taken by a program; ss -ulpn sport = :${port} on the node names it`
        assert.deepEqual(applied, { reason: 'PortTaken', detail })
        assert.equal(await ours(), '')
        program.kill('SIGKILL')
        await eventually('it has its tunnel', async () => agent?.report().generation === 1)
        assert.match(await ours(), new RegExp(name))
      } finally {
        program.kill('SIGKILL')
        agent?.process.kill('SIGKILL')
        await removeEverything(a.shell, a.stateDir)
      }
    })
  }

  it('names the device of WireGuard that has it', async () => {
    const program = network.start(a, ['env', 'WG_PROCESS_FOREGROUND=1', 'wireguard-go', 'cilium_wg0'])
    try {
      const listen = `wg set cilium_wg0 listen-port ${devices.wireGuard.port} && ip link set cilium_wg0 up`
      await eventually(
        'the other device listens',
        async () => (await a.sh(`${listen} && echo yes`).catch(() => '')) !== '',
      )
      await assert.rejects(
        apply(a, await wireGuard()),
        /^PortTaken: UDP port 51872 of kl-wireguard .* the device cilium_wg0$/,
      )
    } finally {
      program.kill('SIGKILL')
      await removeEverything(a.shell, a.stateDir)
    }
  })

  it('shares it with no other device of VXLAN, for which packets would be dropped', async () => {
    await a.sh(
      `ip link add flannel.1 type vxlan id 1 dstport ${devices.bridge.port} dev eth0 local 192.0.2.1; ip link set flannel.1 up`,
    )
    await assert.rejects(apply(a, vxlan), /^PortTaken: UDP port 4876 of vx-bridge is taken by the device flannel\.1$/)
    assert.equal(await ours(), '')
    assert.equal(await a.sh('nft list tables'), '')
    await a.sh('ip link delete flannel.1')
    await apply(a, vxlan)
    assert.deepEqual((await apply(a, vxlan)).steps, [])
  })
})
