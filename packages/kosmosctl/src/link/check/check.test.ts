import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  clusterCondition,
  clusterLinkPolicyCondition,
  clusterRoleAnnotation,
  nodeConfigCondition,
  rootClusterRole,
} from '@kosmos/api'
import type { Finding } from '../../findings/finding.ts'
import { isProblem } from '../../findings/finding.ts'
import { withClusterSet } from '../dns/corefile.ts'
import { type Circumstances, condition, linkedFacts, type Sketch } from '../network/facts.fixture.ts'
import type { Inside, LinkFacts } from '../network/facts.ts'
import { judgedLink, type LinkCheck } from './check.ts'
import { linkCheckText } from './text.ts'

const two: readonly Sketch[] = [{ name: 'berlin' }, { name: 'paris' }]
const gatewayMode = { networkType: 'gateway' } as const

const checked = (facts: LinkFacts, only?: readonly string[]): LinkCheck =>
  judgedLink(facts, new Set(only ?? facts.clusters.map(({ name }) => name)), true)
const checkedOf = (sketches: readonly Sketch[], circumstances?: Circumstances) =>
  checked(linkedFacts(sketches, circumstances))
const wrong = ({ findings }: LinkCheck) => findings.filter(({ verdict }) => verdict.status !== 'ok')
const sentence = ({ verdict }: Finding) => `${verdict.what}; ${'fix' in verdict ? verdict.fix : ''}`
/** The facts, with another inside of the first cluster. */
const withInside = (facts: LinkFacts, change: (inside: Inside) => LinkFacts['clusters'][0]['inside']): LinkFacts => ({
  ...facts,
  clusters: facts.clusters.map((one, index) => (index === 0 ? { ...one, inside: change(one.inside as Inside) } : one)),
})
const between =
  (a: string, b: string) =>
  (from: string, to: string): boolean =>
    (from === a && to === b) || (from === b && to === a)

describe('the check of linked clusters', () => {
  it('finds nothing when all is well, in every mode and with every tunnel', () => {
    const options: NonNullable<Sketch['options']>[] = [
      {},
      { tunnel: 'wireguard' },
      { networkType: 'gateway' },
      { networkType: 'gateway', tunnel: 'wireguard' },
      { tunnel: 'ipsec' },
    ]
    for (const one of options) {
      const result = checkedOf([
        { name: 'berlin', nodes: 3, gateways: 2, options: one },
        { name: 'paris', options: { tunnel: 'wireguard' } },
      ])
      assert.deepEqual(wrong(result), [])
      assert.deepEqual(new Set(result.pairs.map(({ verdict }) => verdict)), new Set(['works']))
      assert.ok(result.nodePairs?.every(({ state }) => state === 'up'))
      assert.equal(result.nodePairs?.length, 12)
    }
  })

  it('tells what is wrong with the networks of a cluster, with both culprits', () => {
    const detail = '10.1.0.0/24 of node n1 and 10.1.0.0/25 of node n2'
    const found = clusterCondition('NetworksFound', 'Contradicting', { detail })
    const [finding, ...others] = wrong(checkedOf([{ name: 'berlin', found }, { name: 'paris' }]))
    assert.ok(finding && others.length === 0)
    assert.equal(finding.id, 'networks')
    assert.match(
      sentence(finding),
      /Contradicting: .*: 10\.1\.0\.0\/24 of node n1 and 10\.1\.0\.0\/25 of node n2; kubectl/,
    )
  })

  it('names the two nodes between which nothing passes, and the port to open', () => {
    const result = checkedOf(two, { isSilent: between('berlin/n1', 'paris/n2') })
    const [finding, ...others] = wrong(result)
    assert.ok(finding && others.length === 0)
    assert.match(sentence(finding), /berlin\/n1 and paris\/n2 do not reach each other by vx-bridge, since 60s/)
    assert.match(
      sentence(finding),
      /UDP 4876 pass, both ways, between berlin\/n1 \(172\.16\.0\.1\) and paris\/n2 \(172\.17\.0\.2\)/,
    )
    assert.deepEqual(
      result.pairs.map(({ verdict, nodesReaching }) => [verdict, nodesReaching]),
      [
        ['partly', 1],
        ['partly', 1],
      ],
    )
    const bad = result.nodePairs?.filter(({ state }) => state === 'down').map(({ from, to }) => `${from} ${to}`)
    assert.deepEqual(bad, ['berlin/n1 paris/n2', 'paris/n2 berlin/n1'])
  })

  it('names the port of the tunnel that a silent one is within', () => {
    for (const [tunnel, port] of [
      ['wireguard', 51_872],
      ['ipsec', 51_873],
    ] as const) {
      const result = checkedOf(
        two.map((one) => ({ ...one, options: { tunnel } })),
        { isSilent: between('berlin/n1', 'paris/n2') },
      )
      assert.match(sentence(wrong(result)[0] as Finding), new RegExp(`UDP ${port} pass, both ways`))
    }
  })

  it('blames the node that nobody reaches, not each of its peers', () => {
    const isSilent = (from: string, to: string) => [from, to].includes('paris/n1')
    const [finding, ...others] = wrong(checkedOf(two, { isSilent }))
    assert.ok(finding && others.length === 0)
    assert.equal(finding.cluster, 'paris')
    assert.match(
      sentence(finding),
      /^paris\/n1 and berlin\/n1, berlin\/n2 do not reach each other .* none of its other tunnels either/,
    )
  })

  it('tells a way that is open in one direction only', () => {
    const isSilent = (from: string, to: string) => from === 'berlin/n1' && to === 'paris/n1'
    const [finding] = wrong(checkedOf(two, { isSilent }))
    assert.ok(finding)
    assert.match(sentence(finding), /paris\/n1 does not answer berlin\/n1/)
  })

  it('counts the nodes behind a gateway as cut off when the gateway is', () => {
    const sketches: Sketch[] = [{ name: 'berlin', nodes: 3, gateways: 1, options: gatewayMode }, { name: 'paris' }]
    const isSilent = (from: string) => from === 'berlin/n1'
    const pair = checkedOf(sketches, { isSilent }).pairs.find(({ from }) => from === 'berlin')
    assert.deepEqual([pair?.verdict, pair?.nodesReaching, pair?.nodes], ['broken', 0, 3])
  })

  it('goes by the gateway that stands by, and says so', () => {
    const sketches: Sketch[] = [{ name: 'berlin', nodes: 3, gateways: 2, options: gatewayMode }, { name: 'paris' }]
    const hop = checkedOf(sketches).nodePairs?.find(({ from, path }) => from === 'berlin/n3' && path.length > 2)
      ?.path[1]
    assert.ok(hop)
    const result = checkedOf(sketches, { isSilent: (from, to) => [from, to].includes(hop) })
    const pair = result.pairs.find(({ from }) => from === 'berlin')
    assert.equal(pair?.verdict, 'partly')
    const around = result.nodePairs?.find(({ from }) => from === 'berlin/n3')
    assert.equal(around?.state, 'up')
    assert.notEqual(around?.path[1], hop)
  })

  it('goes by the gateway that reaches the other cluster when others do not, and says where none does', () => {
    const sketches: Sketch[] = [{ name: 'berlin', nodes: 4, gateways: 3, options: gatewayMode }, { name: 'paris' }]
    const withCutOff = (...gateways: string[]) =>
      checkedOf(sketches, {
        isSilent: (from, to) =>
          from.split('/')[0] !== to.split('/')[0] && gateways.some((one) => [from, to].includes(`berlin/${one}`)),
      })
    const pairOf = ({ pairs }: LinkCheck) => pairs.find(({ from }) => from === 'berlin')
    const waysOf = ({ nodePairs }: LinkCheck) => nodePairs?.filter(({ from }) => from.startsWith('berlin/')) ?? []

    const two = withCutOff('n1', 'n2')
    assert.deepEqual([pairOf(two)?.verdict, pairOf(two)?.nodesReaching], ['partly', 4])
    assert.ok(waysOf(two).every(({ state, path }) => state === 'up' && path.includes('berlin/n3')))

    const all = withCutOff('n1', 'n2', 'n3')
    assert.deepEqual([pairOf(all)?.verdict, pairOf(all)?.nodesReaching], ['broken', 0])
    for (const { state, why } of waysOf(all)) {
      assert.equal(state, 'down')
      assert.match(why ?? '', /^paris\/n\d does not answer berlin\/n3$/)
    }
  })

  it('says that a cluster has but one gateway, or packets in clear text beyond it', () => {
    const options = { ...gatewayMode, tunnel: 'vxlan' } as const
    const ids = wrong(checkedOf([{ name: 'berlin', gateways: 1, options }, { name: 'paris' }])).map(({ id }) => id)
    assert.deepEqual(ids, ['encryption', 'gateways'])
  })

  it('names both networks that overlap, whose they are, and what nobody reaches therefore', () => {
    const result = checkedOf([
      { name: 'berlin', network: 7 },
      { name: 'paris', network: 7 },
    ])
    const problems = result.findings.filter(isProblem)
    assert.match(
      problems.map(sentence).join('\n'),
      /10\.7\.0\.0\/17 of (berlin|paris) and 10\.7\.0\.0\/17 of (berlin|paris)/,
    )
    assert.match(problems.map(sentence).join('\n'), /no way is foreseen: berlin → paris, paris → berlin/)
    const options = { globalCIDRsMap: { '10.7.0.0/16': '100.64.0.0/16' } }
    assert.deepEqual(
      wrong(
        checkedOf([
          { name: 'berlin', network: 7, options },
          { name: 'paris', network: 8 },
        ]),
      ),
      [],
    )
  })

  it('names nodes that are said to be reached elsewhere, and that the cluster does not have', () => {
    const facts = linkedFacts(two)
    const saying = (endpoints: Record<string, string>) => ({
      ...facts,
      clusters: facts.clusters.map((one) => {
        const { spec, ...rest } = one.cluster
        const { clusterLinkOptions } = spec
        assert.ok(clusterLinkOptions)
        return {
          ...one,
          cluster: { ...rest, spec: { ...spec, clusterLinkOptions: { ...clusterLinkOptions, endpoints } } },
        }
      }),
    })
    assert.deepEqual(wrong(checked(saying({ n1: '203.0.113.7' }))), [])
    const [finding] = wrong(checked(saying({ n1: '203.0.113.7', n9: '203.0.113.9:4000' })))
    assert.ok(finding && !isProblem(finding))
    assert.match(sentence(finding), /endpoints names nodes that the cluster does not have: n9; .*berlin$/)
  })

  it('names the node on which no interface fits, and the one that has no IPv6, with what to set where', () => {
    const said = {
      n1: condition('Applied', 'InterfaceNotFound', { detail: 'interface=eth9' }),
      n2: condition('Applied', 'FamilyDisabled'),
    }
    const facts = withInside(linkedFacts(two), (inside) => ({
      ...inside,
      configs: inside.configs.map((config) => ({
        ...config,
        status: { ...config.status, conditions: [said[config.spec.nodeName as 'n1' | 'n2']] },
      })),
    }))
    const finding = wrong(checked(facts)).find(({ id }) => id === 'applied')
    assert.ok(finding && isProblem(finding))
    assert.equal(finding.cluster, 'berlin')
    assert.match(
      sentence(finding),
      /n1: InterfaceNotFound: No interface of the node fits; correct autodetectionMethod, .*: interface=eth9, n2: FamilyDisabled: IPv6 is to be linked, and the node has none, so only IPv4 is; set ipFamily in spec\.clusterLinkOptions/,
    )
  })

  it('says which agents have not reported, are not running, or could not apply what they should, with the reason', () => {
    const facts = linkedFacts(two)
    const silent = withInside(facts, (inside) => ({
      ...inside,
      agents: [],
      configs: inside.configs.map(({ status: _, ...config }) => config),
    }))
    const said = wrong(checked(silent)).map(sentence).join('\n')
    assert.match(said, /agents have not reported: n1, n2/)
    assert.match(said, /no agent is Ready on n1, n2/)
    assert.equal(checked(silent).pairs.find(({ from }) => from === 'berlin')?.verdict, 'unknown')
    const refused = withInside(facts, (inside) => ({
      ...inside,
      configs: inside.configs.map((config) => ({
        ...config,
        status: { ...config.status, conditions: [condition('Applied', 'ToolMissing', { detail: 'nft' })] },
      })),
    }))
    assert.match(wrong(checked(refused)).map(sentence).join('\n'), /n1: ToolMissing: .*nft/)
  })

  it('calls unknown what an agent said that is silent by now, and says how old its word is', () => {
    const facts = linkedFacts(two)
    const detail = 'last word 2026-11-29T11:58:20Z, by the clock of the root'
    const conditions = [condition('Applied', 'AgentSilent', { detail })]
    const clusters = facts.clusters.map((one) => ({
      ...one,
      nodes: one.nodes.map((node) => (one.name === 'berlin' ? { ...node, status: { conditions } } : node)),
    }))
    const result = checked({ ...facts, clusters })
    const said = wrong(result).map(sentence).join('\n')
    assert.match(said, /agents are silent.*: n1 unknown \(last word 100s ago\), n2 unknown \(last word 100s ago\)/)
    const verdicts = result.pairs.map(({ from, verdict }) => `${from} ${verdict}`)
    assert.deepEqual(verdicts, ['berlin unknown', 'paris works'])
    assert.deepEqual(
      new Set(result.tunnels.flatMap(({ from, state }) => (from.startsWith('berlin') ? [state] : []))),
      new Set(['unknown']),
    )
  })

  it('goes on without a cluster that does not answer, and without a controller, and says so', () => {
    const facts = { ...withInside(linkedFacts(two), () => ({ error: 'no route to host' })), controllerSeen: undefined }
    const result = checked(facts)
    const said = result.findings.filter(isProblem).map(sentence).join('\n')
    assert.match(said, /not read.*no route to host; kosmosctl check berlin/)
    assert.match(said, /cluster-link has not been at work so far \(none is installed\): .*; kosmosctl install/)
    assert.equal(result.pairs.find(({ from }) => from === 'paris')?.verdict, 'works')
  })

  it('says whose DNS does not answer names of Services that are shared with it, and who knows of no such Services', () => {
    const sharing = (services: Inside['services']) =>
      wrong(checked(withInside(linkedFacts(two), (inside) => ({ ...inside, services })))).map(sentence)
    const plain = '.:53 {\n  kubernetes cluster.local\n}\n'
    const [mute] = sharing({ areKnown: true, imported: 3, corefile: plain })
    assert.match(mute ?? '', /does not answer their names in clusterset.local; kosmosctl link dns/)
    assert.deepEqual(sharing({ areKnown: true, imported: 3, corefile: withClusterSet(plain) }), [])
    assert.deepEqual(sharing({ areKnown: true, imported: 0, corefile: plain }), [])
    assert.match(sharing({ areKnown: true, imported: undefined, corefile: plain })[0] ?? '', /--link grants that/)
    assert.match(sharing({ areKnown: true, imported: 1, corefile: undefined })[0] ?? '', /was not read/)
    assert.match(
      sharing({ areKnown: false, imported: 0, corefile: plain })[0] ?? '',
      /join berlin .*--link brings them/,
    )
  })

  it('says of a root without the kinds of shared Services that install brings them', () => {
    const facts = withInside(linkedFacts(two), (inside) => ({
      ...inside,
      services: { areKnown: false, imported: 0, corefile: undefined },
    }))
    const clusters = facts.clusters.map(({ cluster, ...one }, index) => {
      const annotations = index === 0 ? { [clusterRoleAnnotation]: rootClusterRole } : {}
      return { ...one, cluster: { ...cluster, metadata: { ...cluster.metadata, annotations } } }
    })
    const [finding] = wrong(checked({ ...facts, clusters }))
    assert.ok(finding)
    assert.match(sentence(finding), /; kosmosctl install brings them$/)
  })

  it('warns of nodes whose MTU is not that of the others', () => {
    const [finding] = wrong(checkedOf([{ name: 'berlin', mtus: [1500, 9000] }, { name: 'paris' }]))
    assert.ok(finding)
    assert.match(sentence(finding), /n1 has 1500, others up to 9000/)
  })

  it('says where errors about packets end, since an earlier version has linked the cluster', () => {
    const options = { networkType: 'gateway', globalCIDRsMap: { '10.1.0.0/17': '100.64.0.0/17' } } as const
    const facts = linkedFacts([{ name: 'berlin', gateways: 2, nodes: 3, options }, { name: 'paris' }])
    assert.deepEqual(wrong(checked(facts)), [])
    const upgraded = withInside(facts, (inside) => ({
      ...inside,
      configs: inside.configs.map(({ spec: { nodeTranslations: _, ...spec }, ...one }) => ({
        ...one,
        spec: { ...spec, routes: (spec.routes ?? []).filter(({ cidr }) => cidr !== '100.64.2.0/24') },
      })),
    }))
    const [finding, ...others] = wrong(checked(upgraded))
    assert.ok(finding && others.length === 0)
    assert.equal(finding.id, 'errors')
    assert.match(
      sentence(finding),
      /^gateways translate 10\.1\.2\.0\/24, as an earlier version had it.*; upgrade all its agents/,
    )
  })

  it('warns of losses, but not of those of an outage that has just ended', () => {
    const losing = (since: string) =>
      withInside(linkedFacts(two), (inside) => ({
        ...inside,
        configs: inside.configs.map(({ status, ...config }) => ({
          ...config,
          status: { ...status, nextHops: status?.nextHops?.map((hop) => ({ ...hop, lossPercent: 30, since })) ?? [] },
        })),
      }))
    const [finding] = wrong(checked(losing('2026-11-29T10:00:00Z')))
    assert.ok(finding)
    assert.match(sentence(finding), /berlin\/n1 → paris\/n1 30 %/)
    assert.deepEqual(wrong(checked(losing('2026-11-29T11:59:30Z'))), [])
  })

  it('says of clusters that a policy keeps apart which policy it is, and calls it no problem', () => {
    const policies = { spokes: { clusters: { names: ['paris', 'rome'] }, peers: [{ names: ['berlin'] }] } }
    const result = checked(linkedFacts([...two, { name: 'rome' }], { policies }))
    assert.deepEqual(wrong(result), [])
    const verdicts = result.pairs.map(({ from, to, verdict }) => `${from} ${to} ${verdict}`)
    assert.deepEqual(verdicts, [
      'berlin paris works',
      'berlin rome works',
      'paris berlin works',
      'paris rome forbidden',
      'rome berlin works',
      'rome paris forbidden',
    ])
    assert.match(linkCheckText(result, false), /^paris +rome .* not allowed by spokes /m)
    const said = result.findings.find(({ id }) => id === 'policies')
    assert.match(said?.verdict.what ?? '', /not allowed to talk by a ClusterLinkPolicy: paris and rome by spokes/)
  })

  it('warns of a policy that speaks of clusters that are not there', () => {
    const facts = linkedFacts(two, { policies: { typo: { clusters: { names: ['pariss'] }, peers: [] } } })
    const found = { ...clusterLinkPolicyCondition('NameUnknown', { detail: 'pariss' }), lastTransitionTime: '' }
    const policies = facts.policies.map((one) => ({ ...one, status: { conditions: [found] } }))
    const [finding, ...others] = wrong(checked({ ...facts, policies }))
    assert.ok(finding && others.length === 0)
    assert.match(sentence(finding), /typo: .*: pariss; kubectl edit clusterlinkpolicy typo/)
  })

  it('says what the root lacks for ClusterLinkPolicies', () => {
    const facts = linkedFacts(two)
    const missing = { ...clusterCondition('PoliciesFollowed', 'KindMissing'), lastTransitionTime: '' }
    const clusters = facts.clusters.map(({ cluster, ...one }) => {
      const conditions = [...(cluster.status?.conditions ?? []), missing]
      return { ...one, cluster: { ...cluster, status: { ...cluster.status, conditions } } }
    })
    const [finding, ...others] = wrong(checked({ ...facts, clusters }))
    assert.ok(finding && others.length === 0)
    assert.match(sentence(finding), /does not know the kind ClusterLinkPolicy.*; kosmosctl install$/)
  })

  it('warns of kernels that may spoil checksums within VXLAN, by their versions, and of no others', () => {
    const saidOf = (kernel: string) =>
      wrong(checked(withInside(linkedFacts(two), (inside) => ({ ...inside, kernels: new Map([['n2', kernel]]) }))))
    for (const kernel of ['4.18.0-553.el8', '5.4.0-42-generic', '5.6.19']) {
      const [finding, ...others] = saidOf(kernel)
      assert.ok(finding && others.length === 0, kernel)
      assert.match(sentence(finding), /older than 5\.7, .*: n2 \(.*\); .*; upgrade the kernel.* ethtool -K vx-bridge/)
      assert.ok(!isProblem(finding))
    }
    for (const kernel of ['5.7.0', '5.10.0-8-amd64', '6.12.0', '10.0', '']) assert.deepEqual(saidOf(kernel), [], kernel)
  })

  it('names the node whose clock is not in step with that of the root, also where the cluster is not asked', () => {
    const detail = 'behind the root by 300 s'
    const off = { ...nodeConfigCondition('ClockRight', 'ClockOff', { detail }), lastTransitionTime: '' }
    const facts = linkedFacts(two)
    const clusters = facts.clusters.map((one, index) => ({
      ...one,
      inside: { error: 'no route to host' },
      nodes: one.nodes.map((node, n) => (index + n === 0 ? { ...node, status: { conditions: [off] } } : node)),
    }))
    const [finding] = wrong(checked({ ...facts, clusters })).filter(
      ({ id, verdict }) => id === 'clocks' && 'fix' in verdict,
    )
    assert.ok(finding)
    assert.match(sentence(finding), /clocks are not in step: n1 behind the root by 300 s; set the clocks by NTP/)
  })

  it('names the node whose clock is ahead', () => {
    const facts = withInside(linkedFacts(two), (inside) => ({
      ...inside,
      configs: inside.configs.map(({ status, ...config }) => ({
        ...config,
        status: { ...status, lastSyncTime: '2026-11-29T12:10:00Z' },
      })),
    }))
    const [finding] = wrong(checked(facts))
    assert.ok(finding)
    assert.match(sentence(finding), /clocks of nodes are ahead of this machine's: n1 by 600 s/)
  })

  it('says why a cluster is left out that is linked by another name already, and whose family is missing', () => {
    const facts = linkedFacts(two)
    const clusters = facts.clusters.map((one, index) => {
      const reason = index === 0 ? 'ClusterLinkedTwice' : 'FamilyMissing'
      const condition = { ...clusterCondition('Linked', reason, { detail: 'why' }), lastTransitionTime: '' }
      return { ...one, cluster: { ...one.cluster, status: { ...one.cluster.status, conditions: [condition] } } }
    })
    const said = checked({ ...facts, clusters })
      .findings.filter(({ id }) => id === 'linked')
      .map(sentence)
      .join('\n')
    assert.match(said, /ClusterLinkedTwice: Another Cluster stands for the same cluster.*; delete one of the two: why/)
    assert.match(said, /FamilyMissing: .*; correct ipFamily/)
  })

  it('names the node that does not get on with changing its keys, and what it waits for', () => {
    const since = (requestedAt: string, hasMade: boolean) =>
      withInside(linkedFacts(two), (inside) => ({
        ...inside,
        configs: inside.configs.map((config, index) => {
          if (index > 0) return config
          const next = { requestedAt, wireGuard: '', ipsec: '' }
          const status = { ...config.status, keys: hasMade ? { next } : {} }
          return { ...config, spec: { ...config.spec, keys: { requestedAt } }, status }
        }),
      }))
    assert.deepEqual(wrong(checked(since('2026-11-29T11:59:00Z', true))), [])
    const [finding] = wrong(checked(since('2026-11-29T11:00:00Z', true)))
    assert.ok(finding)
    assert.match(sentence(finding), /n1 waits until all nodes that encrypt for it have applied its next key/)
    const [other] = wrong(checked(since('2026-11-29T11:00:00Z', false)))
    assert.ok(other)
    assert.match(sentence(other), /n1 has not made its next key/)
  })

  it('leaves out ways between clusters that were not asked for', () => {
    const facts = linkedFacts([...two, { name: 'rome' }], { isSilent: between('berlin/n1', 'paris/n2') })
    const result = checked(facts, ['rome'])
    assert.deepEqual(wrong(result), [])
    assert.equal(result.pairs.length, 4)
  })

  it('prints a line for each way, and the findings below', () => {
    const result = checkedOf(two, { isSilent: between('berlin/n1', 'paris/n2') })
    const text = linkCheckText(result, false)
    assert.match(text, /^berlin +paris +p2p → p2p +vxlan \(clear\) +v4 +partly +1\/2 +0\.3 ms +0 % +1450 +60s$/m)
    assert.match(text, /^berlin\/n1 +paris\/n2 +v4 +down .*paris\/n2 does not answer berlin\/n1$/m)
    assert.match(text, /^problem berlin\/tunnels: /m)
  })
})
