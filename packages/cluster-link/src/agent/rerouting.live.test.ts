import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { createNodeAgent } from './node-agent.ts'
import { bridgeAddress, plainSpec } from './node-config.fixture.ts'
import type { Shell } from './shell/shell.ts'

describe('an agent whose kernel takes long to be read', { skip: unlessRoot }, () => {
  const [me, first, second] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const
  const stop = new AbortController()
  const { promise: goOn, resolve: resume } = Promise.withResolvers<void>()
  let network: Network
  let a: Host
  let working: Promise<void> | undefined

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'], c: ['192.0.2.3/24'] })
    a = hostOf(network, 'a')
    await apply(hostOf(network, 'b'), plainSpec(first, [me]))
    await apply(hostOf(network, 'c'), plainSpec(second, [me]))
  })
  after(async () => {
    stop.abort()
    // A test that has failed has left the kernel's answers waiting, and with them the end of the agent.
    resume()
    await working
    await network?.end()
  })

  it('goes by the next hop that answers all the same', async () => {
    let reads = 0
    let isSlow = false
    const shell: Shell = {
      ...a.shell,
      run: async (argv, stdin) => {
        if (isSlow && argv.includes('list')) {
          reads++
          await goOn
        }
        return await a.shell.run(argv, stdin)
      },
    }
    const agent = createNodeAgent({
      shell,
      stateDir: a.stateDir,
      autodetection: { method: 'first-found' },
      onReport: () => {},
      log: () => {},
    })
    working = agent.run(stop.signal)
    const routes = [first, second].map((end, metric) => ({
      cidr: '10.2.0.0/16',
      gw: bridgeAddress(end),
      dev: 'vx-bridge',
      metric,
    }))
    agent.want(plainSpec(me, [first, second], { routes }), 1)
    const isReachable = (end: typeof first | typeof second) =>
      agent.report().nextHops.find(({ address }) => address === bridgeAddress(end))?.reachability?.isReachable
    await eventually('both answer', async () => isReachable(first) && isReachable(second))
    isSlow = true
    await a.sh('ip link set vx-bridge mtu 1300')
    await eventually('it reads', async () => reads > 0)
    await hostOf(network, 'b').sh('ip link set eth0 down')
    await eventually('one of them is left', async () => {
      const route = await a.sh('ip route show table 4876 10.2.0.0/16')
      return route.includes(bridgeAddress(second)) && !route.includes(bridgeAddress(first))
    })
    assert.equal(isReachable(first), false)
    resume()
    await eventually('what it has read is repaired as well', async () =>
      (await a.sh('ip link show vx-bridge')).includes('mtu 1450'),
    )
  })
})
