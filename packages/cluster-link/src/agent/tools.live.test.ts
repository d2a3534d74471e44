import assert from 'node:assert/strict'
import { mkdir, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLog } from '@kosmos/kube/process'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { createNodeAgent } from './node-agent.ts'
import { bridgeAddress, plainSpec } from './node-config.fixture.ts'
import { createShell } from './shell/shell.ts'

const needed = ['ip', 'bridge', 'nft', 'cat', 'tee', 'setpriv', 'unshare', 'sh', 'wg', 'fping']
const [me, other] = [{ number: 1 }, { number: 2 }] as const

describe('a node without a program that the agent needs', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'] })
    a = hostOf(network, 'a')
  })
  after(() => network?.end())

  for (const missing of ['nft', 'fping']) {
    it(`says that ${missing} is missing, and goes on when it is there`, async () => {
      const directory = join(a.stateDir, `without-${missing}`)
      await mkdir(directory, { recursive: true })
      const install = async (tool: string) => {
        const path = (await a.sh(`command -v ${tool}`)).trim()
        await symlink(path, join(directory, basename(tool)))
      }
      for (const tool of needed) if (tool !== missing) await install(tool)
      const stop = new AbortController()
      const agent = createNodeAgent({
        shell: createShell([...a.prefix, '/usr/bin/env', `PATH=${directory}`]),
        stateDir: a.stateDir,
        autodetection: { method: 'first-found' },
        log: createLog('error'),
        onReport: () => {},
      })
      const routes = [{ cidr: '10.2.0.0/16', gw: bridgeAddress(other), dev: 'vx-bridge' }]
      agent.want(plainSpec(me, [other], { routes }), 1)
      const running = agent.run(stop.signal)
      const applied = () => agent.report().applied
      try {
        await eventually('it is missed', async () => applied()?.reason === 'ToolMissing')
        assert.equal(applied()?.detail, missing)
        await install(missing)
        await eventually('it is found', async () => applied()?.reason === 'Applied')
      } finally {
        stop.abort()
        await running
      }
    })
  }
})
