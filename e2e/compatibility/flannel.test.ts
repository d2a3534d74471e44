import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClusterLinkOptions, ClusterStatus } from '@kosmos/api'
import { join, lines, unjoin } from '@kosmos/kosmosctl'
import { silent } from '@kosmos/testbed'
import { clusterLink } from '../platform/components.ts'
import { startComponent } from '../platform/kosmos.ts'
import { linkAgentImage } from '../platform/link-agent.ts'
import { LinkedPods } from '../platform/linked-pods.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { everythingWorks } from '../scenarios/link/seen.ts'

const quiet = lines(() => undefined)
const isRoot = process.getuid?.() === 0

/**
 * All that a node's kernel does with packets, without counters and without pods that come and go. Of a check Service that
 * is gone kube-proxy keeps an empty chain for a while.
 */
const KERNEL = `
ip -br link | grep -v ^veth | sed 's/@if[0-9]*//' | awk '{print "link", $1}'
for f in -4 -6; do ip $f rule; ip $f route show table all | grep -v veth; done
grep -H . /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding | grep -v veth
nft -s list ruleset
iptables-save; ip6tables-save`

const options: Partial<ClusterLinkOptions> = { ipFamily: 'ipv4' }

describe('clusters with Flannel, linked', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let pods: LinkedPods
  let unlinked: Map<string, string[]>

  const leaves = () => platform.testbed.leaves
  const eachNode = async (work: (cluster: string, node: string, leaf: number) => Promise<unknown>) => {
    for (const [leaf, { name, nodes }] of leaves().entries()) for (const node of nodes) await work(name, node, leaf)
  }
  const kernels = async () => {
    const found = new Map<string, string[]>()
    await eachNode(async (cluster, node) => {
      const text = await pods.onNode(cluster, node, KERNEL)
      const rules = text.split('\n').filter((line) => line !== '' && !/^#|link-check-/.test(line))
      found.set(node, rules.map((line) => line.replace(/ ?\[\d+:\d+\]/, '').trim()).sort())
    })
    return found
  }
  const condition = async (cluster: string, type: string) => {
    const path = `{.status.conditions[?(@.type=="${type}")]}`
    return (await platform.kubectl(['get', 'cluster', cluster, '-o', `jsonpath=${path}`])).stdout
  }
  const linked = () =>
    eventually('all clusters are linked', async () => {
      const said = await Promise.all(leaves().map(({ name }) => condition(name, 'Linked')))
      if (said.every((text) => /"status":"True"/.test(text))) return true
      throw new Error(said.join('\n'))
    })
  const linkBy = async (clusterLinkOptions: Partial<ClusterLinkOptions>, device: string) => {
    for (const { name } of leaves()) {
      const patch = JSON.stringify({ spec: { clusterLinkOptions } })
      const { code, stderr } = await platform.kubectl(['patch', 'cluster', name, '--type=merge', '-p', patch])
      assert.equal(code, 0, stderr)
    }
    await eventually(`some node of each cluster has ${device}`, async () => {
      const found = await Promise.all(leaves().map((_, leaf) => pods.kubectl(leaf, 'get', 'nodeconfigs', '-o', 'json')))
      return found.every((text) => text.includes(`"${device}"`))
    })
    await linked()
  }
  const allIsWell = async () => {
    await pods.reach(pods.within())
    await pods.reachServices((from, leaf) => from.leaf === leaf)
    await pods.reach(pods.across())
    await pods.reachServices((from, leaf) => from.leaf !== leaf)
    await pods.reachFromNodes()
  }

  before(async () => {
    platform = await startPlatform('flannel', {
      leaves: 2,
      nodes: 'real:2',
      cni: (cluster) => (cluster === 'leaf1' ? 'flannel' : 'flannel-iptables'),
      images: ['agnhost'],
      archives: [await linkAgentImage(silent)],
      tree: false,
    })
    pods = new LinkedPods(platform)
    await pods.start()
  })
  after(async () => {
    await platform?.down()
  })

  it('have a network of their own before', async () => {
    await pods.reach(pods.within())
    await pods.reachServices((from, leaf) => from.leaf === leaf)
    unlinked = await kernels()
    assert.ok(
      [...unlinked].every(([, rules]) => rules.some((rule) => /masquerade/i.test(rule))),
      'Flannel masquerades',
    )
  })

  it('are found out about by what Flannel has in its cluster', async () => {
    const root = { file: platform.testbed.root.kubeconfig }
    for (const { name, kubeconfig } of leaves()) {
      await join({ name, root, leaf: { file: kubeconfig }, tree: false, link: options }, quiet)
    }
    await startComponent(platform.testbed, clusterLink, silent)
    await linked()
    for (const { name, network } of leaves()) {
      const { stdout } = await platform.kubectl(['get', 'cluster', name, '-o', 'jsonpath={.status.clusterLinkStatus}'])
      const { podCIDRs, serviceCIDRs } = JSON.parse(stdout) as NonNullable<ClusterStatus['clusterLinkStatus']>
      assert.deepEqual([podCIDRs, serviceCIDRs], [[network.podCIDR], [network.serviceCIDR]])
      assert.match(await condition(name, 'NetworksFound'), /\(ConfigMap of Flannel\)/)
    }
    await eachNode(async (cluster, node, leaf) => {
      const own = await pods.kubectl(leaf, 'get', 'node', node, '-o', 'jsonpath={.spec.podCIDRs}')
      const { stdout } = await platform.kubectl(['get', 'clusternode', `${cluster}-${node}`, '-o', POD_CIDRS])
      assert.equal(stdout, own)
    })
  })

  it('reach each other P2P, each pod under its own address, and their own as before', async () => {
    await allIsWell()
    await everythingWorks(platform)
  })

  it('still do when flanneld is killed and starts again', async () => {
    for (const leaf of leaves()) for (const node of leaf.nodes) await leaf.kill(`${node}/flanneld`)
    await allIsWell()
    for (const leaf of leaves()) for (const node of leaf.nodes) await leaf.restart(`${node}/flanneld`)
    await allIsWell()
  })

  it('still do when the agents start again', async () => {
    for (const leaf of leaves().keys()) {
      await pods.kubectl(leaf, '-n', 'kosmos-link', 'rollout', 'restart', 'daemonset/kosmos-link-agent')
      await pods.kubectl(
        leaf,
        '-n',
        'kosmos-link',
        'rollout',
        'status',
        'daemonset/kosmos-link-agent',
        '--timeout=120s',
      )
    }
    await allIsWell()
  })

  it('reach each other by gateways, in clear text', async () => {
    await linkBy({ networkType: 'gateway', tunnel: 'vxlan' }, 'vx-local')
    await allIsWell()
  })

  it('reach each other by gateways, encrypted by WireGuard', async () => {
    await linkBy({ networkType: 'gateway', tunnel: 'wireguard' }, 'kl-wireguard')
    await allIsWell()
    await everythingWorks(platform)
  })

  it('have the kernels that they had before when they are linked no longer, and their own network', async () => {
    const root = { file: platform.testbed.root.kubeconfig }
    for (const { name } of leaves()) await unjoin({ name, root }, quiet)
    await eventually('every node is as it was', async () => {
      const changed = [...(await kernels())].flatMap(([node, now]) => {
        const then = unlinked.get(node) ?? []
        const [more, fewer] = [now.filter((one) => !then.includes(one)), then.filter((one) => !now.includes(one))]
        return more.length + fewer.length > 0 ? [{ node, more, fewer }] : []
      })
      if (changed.length > 0) throw new Error(JSON.stringify(changed, undefined, 1))
      return true
    })
    await pods.reach(pods.within())
    await pods.reachServices((from, leaf) => from.leaf === leaf)
  })
})

const POD_CIDRS = 'jsonpath={.spec.podCIDRs}'
