import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LinkDevice } from '@kosmos/api'
import fc from 'fast-check'
import { devices } from '../model/names.ts'
import type { NodeKernel } from './kernel/converge.ts'
import { kernelOf } from './kernel.fixture.ts'
import { type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { removeEverything } from './remove.ts'
import { nodeConfigSpecs } from './spec.fixture.ts'

const transitions = Number(process.env.KERNEL_TRANSITIONS ?? 40)

describe('the kernel, from any NodeConfig to any other', { skip: unlessRoot }, () => {
  let network: Network
  let host: Host
  let kernel: NodeKernel

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24', '192.0.2.9/24', '2001:db8::1/64'] })
    host = hostOf(network, 'a')
    kernel = await kernelOf(host)
  })
  after(() => network?.end())

  it('is then as it should be, and there is nothing left to do', async () => {
    await fc.assert(
      fc.asyncProperty(nodeConfigSpecs, fc.boolean(), async (spec, isHalfDead) => {
        const gateways = (spec.routes ?? []).map(({ gw = '' }) => gw)
        const unreachable = new Set(isHalfDead ? gateways.slice(0, gateways.length / 2) : [])
        await kernel.converge(spec, unreachable)
        const { steps } = await kernel.converge(spec, unreachable)
        assert.deepEqual(steps, [])
        await kernel.reroute(new Set())
        assert.deepEqual((await kernel.converge(spec, new Set())).steps, [])
      }),
      { numRuns: transitions, endOnFailure: true },
    )
  })

  it('has nothing left of a route of IPv6 whose devices go one after the other', async () => {
    const device = (of: typeof devices.bridge | typeof devices.bridge6, local: string): LinkDevice => ({
      type: 'vxlan',
      ...of,
      local,
      addr6: `fd22:${of.id}::1/128`,
      mac: '02:00:00:00:00:01',
      mtu: 1400,
    })
    const [first, second] = [device(devices.bridge, '192.0.2.1'), device(devices.bridge6, '2001:db8::1')] as const
    const routes = [first, second].map(({ name: dev, id }) => ({ cidr: 'fd02::/64', gw: `fd22:${id}::2`, dev }))
    for (const left of [first, second]) {
      await kernel.converge({ nodeName: 'n', devices: [first, second], routes }, new Set())
      await kernel.converge({ nodeName: 'n', devices: [left] }, new Set())
      assert.equal(await host.sh('ip -6 route show table 4876'), '')
    }
  })

  it('is bare when everything is taken away', async () => {
    await removeEverything(host.shell, host.stateDir)
    assert.equal(await host.sh('nft list ruleset; ip route show table 4876 2>/dev/null || true'), '')
    assert.doesNotMatch(await host.sh('ip link; ip rule; ip -6 rule'), /vx-|kl-|4876/)
  })
})
