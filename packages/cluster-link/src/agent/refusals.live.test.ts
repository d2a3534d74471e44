import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import { buildNetwork, type ClusterSketch } from '../plan/testing/networks.ts'
import { plansOf } from '../planned.fixture.ts'
import { apply, kernelOf } from './kernel.fixture.ts'
import { type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { removeEverything } from './remove.ts'
import type { Shell } from './shell/shell.ts'

/** Each refusal takes seconds on a busy machine. */
const stride = process.env.KOSMOS_LINK_MATRIX === 'all' ? 1 : 7

const sketch: ClusterSketch = {
  networkType: 'gateway',
  tunnel: 'vxlan',
  families: [4, 6],
  nodes: 3,
  gateways: 2,
  overlapping: true,
  prefix: 16,
}
const peers: ClusterSketch = { ...sketch, networkType: 'p2p', gateways: 0, overlapping: false }
/** What a gateway has, before and after nearly everything about it has changed. */
const [first, second] = [
  plansOf(buildNetwork([sketch, peers])).get('c0n0'),
  plansOf(
    buildNetwork([
      { ...sketch, families: [4], overlapping: false, nodes: 2 },
      { ...peers, nodes: 2 },
    ]),
  ).get('c0n0'),
] as [NodeConfigSpec, NodeConfigSpec]

/** The same but that the n-th line of all that is written is nonsense: the kernel has what came before it. */
function refusing(shell: Shell, n: number): { readonly shell: Shell; readonly refused: () => string | undefined } {
  let count = 0
  let refused: string | undefined
  const spoil = (line: string): string => {
    if (line === '' || count++ !== n) return line
    refused = line
    return 'nonsense'
  }
  return {
    refused: () => refused,
    shell: {
      ...shell,
      run: (argv, stdin = '') => {
        const isWrite = argv.includes('-batch') || argv[0] === 'tee' || (argv[0] === 'nft' && argv.includes('-f'))
        if (!isWrite || refused !== undefined) return shell.run(argv, stdin)
        // A table is taken as a whole or not at all.
        const isWhole = argv[0] === 'nft'
        const spoilt = isWhole ? spoil(stdin) : stdin.split('\n').map(spoil).join('\n')
        return shell.run(argv, spoilt)
      },
    },
  }
}

describe('a node whose kernel refuses something in the middle', { skip: unlessRoot }, () => {
  let network: Network
  let host: Host

  before(async () => {
    network = await startNetwork({ a: ['172.30.0.10/16'] })
    host = hostOf(network, 'a')
  })
  after(() => network?.end())

  const image = async () => {
    const text = await host.sh(`
      ip -details -oneline address show; for table in 4876 4878 4879; do
      ip route show table $table 2>/dev/null || true; ip -6 route show table $table 2>/dev/null || true; done
      ip rule; ip -6 rule; ip neigh show nud permanent | sort; bridge fdb show | grep dst | sort || true
      nft -s list ruleset; grep . /proc/sys/net/ipv4/conf/vx-*/rp_filter 2>/dev/null || true`)
    // Numbers of devices that were made anew and the order that follows from them, of rules that are looked at alike too.
    const lines = text.replaceAll(/^\d+: /gm, '').replaceAll(/ (tentative|dynamic)\b/g, '')
    return lines.split('\n').sort().join('\n')
  }

  for (const [title, had, wants] of [
    ['has nothing of ours if it had nothing', { nodeName: 'n' }, first],
    ['is as it was before a change', first, second],
    ['is as it was before everything was to go', first, { nodeName: 'n' }],
  ] as const) {
    it(`${title}, whichever command it was`, async (test) => {
      await removeEverything(host.shell, host.stateDir)
      await apply(host, had)
      const before = await image()
      for (let n = 0; ; n += stride) {
        const { shell, refused } = refusing(host.shell, n)
        const converging = (await kernelOf({ ...host, shell })).converge(wants, () => new Set())
        const error = await converging.then(
          () => undefined,
          (cause: Error) => cause,
        )
        if (refused() === undefined) {
          assert.equal(error, undefined)
          test.diagnostic(`${n / stride} refusals`)
          assert.ok(n > stride)
          break
        }
        assert.ok(error, `${refused()} was refused, and nobody says so`)
        assert.equal(await image(), before, `after ${refused()} was refused`)
      }
      assert.notEqual(await image(), before)
    })
  }
})
