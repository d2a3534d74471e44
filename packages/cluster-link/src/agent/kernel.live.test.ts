import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LinkDevice } from '@kosmos/api'
import fc from 'fast-check'
import { devices } from '../model/names.ts'
import type { NodeKernel } from './kernel/node-kernel.ts'
import { kernelOf } from './kernel.fixture.ts'
import { type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { plainSpec } from './node-config.fixture.ts'
import { removeEverything } from './remove.ts'
import type { Shell } from './shell/shell.ts'
import { nodeConfigSpecs } from './spec.fixture.ts'

const noneSilent = () => new Set<string>()
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
        await kernel.converge(spec, () => unreachable)
        const { steps } = await kernel.converge(spec, () => unreachable)
        assert.deepEqual(steps, [])
        await kernel.reroute(noneSilent)
        assert.deepEqual((await kernel.converge(spec, noneSilent)).steps, [])
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
      await kernel.converge({ nodeName: 'n', devices: [first, second], routes }, noneSilent)
      await kernel.converge({ nodeName: 'n', devices: [left] }, noneSilent)
      assert.equal(await host.sh('ip -6 route show table 4876'), '')
    }
  })

  it('has no dead next hop where a device has lost its last address', async () => {
    const vxlan = { type: 'vxlan', mac: '02:00:00:00:00:01', mtu: 1400, local: '192.0.2.1' } as const
    const first: LinkDevice = { ...vxlan, ...devices.bridge, addr: '220.0.2.1/32' }
    const other: LinkDevice = { ...vxlan, ...devices.local }
    const hops = [
      { dev: first.name, gw: '220.0.2.2' },
      { dev: other.name, gw: '210.0.2.2' },
    ]
    const routes = hops.map((hop) => ({ ...hop, cidr: '10.2.0.0/16' }))
    await kernel.converge({ nodeName: 'n', devices: [first, { ...other, addr: '210.0.2.1/32' }], routes }, noneSilent)
    await kernel.converge({ nodeName: 'n', devices: [first, other], routes }, noneSilent)
    const shown = await host.sh('ip route show table 4876 10.2.0.0/16')
    assert.match(shown, /via 210\.0\.2\.2 dev vx-local/)
    assert.doesNotMatch(shown, /dead/)
  })

  it('goes by who answers at once while it is read, and what was read before does not undo that', async () => {
    const dev = devices.bridge.name
    const gateways = ['220.0.2.2', '220.0.2.3'] as const
    const spec = {
      ...plainSpec({ number: 1 }, [{ number: 2 }, { number: 3 }]),
      routes: gateways.map((gw, metric) => ({ cidr: '10.2.0.0/16', gw, dev, metric })),
    }
    const { promise: hasRead, resolve: read } = Promise.withResolvers<void>()
    const { promise: goOn, resolve: resume } = Promise.withResolvers<void>()
    let isSlow = false
    const shell: Shell = {
      ...host.shell,
      run: async (argv, stdin) => {
        const shown = await host.shell.run(argv, stdin)
        if (isSlow && argv.includes('list')) {
          read()
          await goOn
        }
        return shown
      },
    }
    const slow = await kernelOf({ ...host, shell })
    await slow.converge(spec, noneSilent)
    isSlow = true
    let silent = noneSilent()
    const converging = slow.converge(spec, () => silent)
    await hasRead
    silent = new Set(gateways.slice(0, 1))
    assert.deepEqual(
      (await slow.reroute(() => silent)).map((step) => step.do),
      ['route.replace'],
    )
    const route = await host.sh(`ip route show table 4876 10.2.0.0/16`)
    assert.match(route, /via 220\.0\.2\.3/)
    resume()
    assert.deepEqual((await converging).steps, [])
    assert.equal(await host.sh(`ip route show table 4876 10.2.0.0/16`), route)
  })

  it('is bare when everything is taken away', async () => {
    await removeEverything(host.shell, host.stateDir)
    assert.equal(await host.sh('nft list ruleset; ip route show table 4876 2>/dev/null || true'), '')
    assert.doesNotMatch(await host.sh('ip link; ip rule; ip -6 rule'), /vx-|kl-|4876/)
  })
})
