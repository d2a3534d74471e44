import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { apply } from './kernel.fixture.ts'
import { type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { bridgeAddress, bridgeAddress6, type End, plainSpec } from './node-config.fixture.ts'

const [first, second]: [End, End] = [{ number: 1 }, { number: 2 }]

/** The whole cluster has a /16, the node the first /24 of it. */
const specOf = (me: End, other: End) =>
  plainSpec(me, [other], {
    routes: [
      { cidr: `10.${other.number}.0.0/16`, gw: bridgeAddress(other), dev: 'vx-bridge' },
      { cidr: `fd0${other.number}::/64`, gw: bridgeAddress6(other), dev: 'vx-bridge' },
    ],
    translations: [
      { local: `10.${me.number}.0.0/16`, global: `10.${me.number}.0.0/16`, kind: 'Pod' },
      { local: `fd0${me.number}::/64`, global: `fd0${me.number}::/64`, kind: 'Pod' },
    ],
  })

/** By iptables of either kind: whose packets get the address of the node, for a cluster with 10.N.0.0/16. */
const masquerading = {
  Calico: ({ number }: End) => [
    '-N cali-nat-outgoing',
    `-A cali-nat-outgoing -s 10.${number}.0.0/16 ! -d 10.${number}.0.0/16 -j MASQUERADE`,
    '-I POSTROUTING -j cali-nat-outgoing',
  ],
  Flannel: ({ number }: End) => [
    '-N FLANNEL-POSTRTG',
    '-I POSTROUTING -j FLANNEL-POSTRTG',
    `-A FLANNEL-POSTRTG -s 10.${number}.0.0/16 -d 10.${number}.0.0/16 -j RETURN`,
    `-A FLANNEL-POSTRTG -s 10.${number}.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully`,
    `-A FLANNEL-POSTRTG ! -s 10.${number}.0.0/16 -d 10.${number}.0.0/16 -j MASQUERADE --random-fully`,
  ],
  'kube-proxy with --masquerade-all, and clusterCIDR': ({ number }: End) => [
    '-N KUBE-MARK-MASQ',
    '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
    `-A PREROUTING ! -s 10.${number}.0.0/16 -j KUBE-MARK-MASQ`,
    '-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE',
  ],
  'Cilium without its own masquerading in BPF': ({ number }: End) => [
    '-N CILIUM_POST_nat',
    '-I POSTROUTING -j CILIUM_POST_nat',
    `-A CILIUM_POST_nat ! -o cilium_+ -s 10.${number}.0.0/24 ! -d 10.${number}.0.0/16 -j MASQUERADE`,
  ],
}

const kinds = ['nft', 'legacy'] as const
/** Without it, the older iptables stands for itself in one test of each sort. */
const isWhole = process.env.KOSMOS_LINK_MATRIX === 'all'

describe('nodes whose other software masquerades, drops and filters', { skip: unlessRoot }, () => {
  let network: Network
  let undone = 'true'
  const ends: { readonly host: Host; readonly me: End; readonly other: End; readonly pod: Host }[] = []

  const everywhere = (work: (end: (typeof ends)[number]) => Promise<unknown>) => Promise.all(ends.map(work))
  const converge = () => everywhere(({ host, me, other }) => apply(host, specOf(me, other)))
  /** From each pod to the one of the other cluster, which has to see who asks, in both families. */
  const expectPassage = () =>
    everywhere(async ({ me: { number: a }, other: { number: b }, pod }) => {
      const far = ends.find(({ me }) => me.number === b)
      assert.ok(far)
      const asked = await sniff(
        network,
        far.host,
        ['-i', `pod-${b}`, `src net 10.${a}.0.0/16 or src net fd0${a}::/64`],
        () => Promise.all([`10.${b}.0.5`, `fd0${b}::5`].map((address) => pod.sh(`ping -c 1 -W 2 ${address}`))),
      )
      assert.match(asked, new RegExp(`10\\.${a}\\.0\\.5 > 10\\.${b}\\.0\\.5: ICMP echo request`))
      assert.match(asked, new RegExp(`fd0${a}::5 > fd0${b}::5: ICMP6, echo request`))
    })
  /** What others do, until the test ends. */
  const others = async (script: (end: (typeof ends)[number]) => string, undo: string) => {
    undone = undo
    await everywhere((end) => end.host.sh(script(end)))
  }

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24', '2001:db8::1/64'], b: ['192.0.2.2/24', '2001:db8::2/64'] })
    for (const [name, me, other] of [
      ['a', first, second],
      ['b', second, first],
    ] as const) {
      const host = hostOf(network, name)
      const pod = await network.pod(host, `pod-${me.number}`, [`10.${me.number}.0.5`, `fd0${me.number}::5`])
      ends.push({ host, me, other, pod })
    }
    await converge()
  })
  afterEach(() => everywhere(({ host }) => host.sh(undone)))
  after(() => network?.end())

  it('know pods by their addresses when nothing is in the way', async () => {
    await expectPassage()
  })

  for (const kind of kinds) {
    for (const [name, rules] of Object.entries(masquerading)) {
      if (kind === 'legacy' && name !== 'Flannel' && !isWhole) continue
      it(`know them though ${name} masquerades (iptables-${kind})`, async () => {
        const table = `iptables-${kind} -t nat`
        await others(
          ({ me }) =>
            rules(me)
              .map((rule) => `${table} ${rule}`)
              .join('\n'),
          `${table} -F; ${table} -X`,
        )
        await expectPassage()
      })
    }
  }

  it('know them though a table of nftables masquerades everything', async () => {
    const masquerade = 'chain post { type nat hook postrouting priority srcnat; masquerade; }'
    await others(() => `nft 'table inet others { ${masquerade}; }'`, 'nft delete table inet others')
    await expectPassage()
  })

  it('reach each other though rp_filter is made strict on every interface', async () => {
    const set = (value: number) => `for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo ${value} > $f; done`
    await others(() => set(1), set(0))
    await converge()
    await expectPassage()
  })

  for (const kind of kinds) {
    const both = (rule: string) => `iptables-${kind} ${rule}; ip6tables-${kind} ${rule}`

    it(`reach each other though FORWARD drops, and leave it as it was (iptables-${kind})`, async () => {
      await others(() => both('-P FORWARD DROP'), both('-P FORWARD ACCEPT'))
      await converge()
      await expectPassage()
      await everywhere(({ host }) => host.sh(undone))
      await converge()
      await everywhere(async ({ host }) => {
        assert.equal(await host.sh(both('-S FORWARD')), '-P FORWARD ACCEPT\n'.repeat(2))
      })
    })
  }

  for (const kind of isWhole ? kinds : kinds.slice(0, 1)) {
    it(`are let through after the rules of others and before a last REJECT, also one made anew (iptables-${kind})`, async () => {
      const program = `iptables-${kind}`
      const reject = `${program} -A FORWARD -j REJECT`
      const closed = `${program} -N OTHERS; ${program} -A FORWARD -j OTHERS; ${reject}`
      await others(() => closed, `${program} -F FORWARD; ${program} -F OTHERS; ${program} -X OTHERS`)
      await converge()
      await expectPassage()
      await everywhere(async ({ host }) => {
        const [, first, ...rules] = (await host.sh(`${program} -S FORWARD`)).trim().split('\n')
        assert.equal(first, '-A FORWARD -j OTHERS')
        assert.match(rules.at(-1) ?? '', /-j REJECT/)
        // Others put theirs ahead: ours, which is behind it now, is of no use.
        await host.sh(`${program} -D FORWARD -j REJECT; ${program} -I FORWARD -j REJECT`)
      })
      await converge()
      await expectPassage()
    })
  }

  for (const [how, rules] of Object.entries({
    'by its policy': 'policy drop;',
    'by its last rule': 'ct state invalid drop; counter reject;',
  })) {
    it(`reach each other though a table of nftables drops what it does not know ${how}, and leave it as it was`, async () => {
      const made = `table inet others { chain pass { type filter hook forward priority filter; ${rules} }; }`
      await others(() => `nft '${made}'`, 'nft delete table inet others')
      const listed = () => everywhere(({ host }) => host.sh('nft -s list table inet others'))
      const before = await listed()
      await converge()
      await expectPassage()
      await everywhere(({ host }) => apply(host, { nodeName: 'n' }))
      assert.deepEqual(await listed(), before)
      await converge()
    })
  }
})
