import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ClusterLinkOptions } from '@kosmos/api'
import { imageNames, silent } from '@kosmos/testbed'
import { linkAgentImage } from '../platform/link-agent.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

/** A pod on a node that tells who calls it. */
const server = (node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `on-${node}`, namespace: 'default', labels: { app: 'server', node } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: imageNames.agnhost, args: ['netexec', '--http-port=8080', '--udp-port=8081'] }],
  },
})

describe('clusters that are linked, without virtual nodes', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let scratch: string

  interface Pod {
    readonly name: string
    readonly node: string
    readonly ip: string
    readonly leaf: number
  }
  const pods: Pod[] = []
  const inLeaf = (leaf: number, ...args: string[]) => {
    const cluster = platform.testbed.leaves[leaf]
    assert.ok(cluster)
    return platform.kubectlIn(cluster, args)
  }
  const inPod = (pod: Pod, ...command: string[]) => inLeaf(pod.leaf, 'exec', pod.name, '--', ...command)
  const acrossClusters = () => pods.flatMap((a) => pods.filter((b) => a.leaf !== b.leaf).map((b) => [a, b] as const))
  const condition = async (cluster: string) => {
    const path = '{.status.conditions[?(@.type=="Linked")]}'
    return (await platform.kubectl(['get', 'cluster', cluster, '-o', `jsonpath=${path}`])).stdout
  }
  const linked = () =>
    eventually('all clusters are linked', async () => {
      const said = await Promise.all(platform.testbed.leaves.map(({ name }) => condition(name)))
      if (said.every((text) => /"status":"True"/.test(text))) return true
      throw new Error(said.join('\n'))
    })
  const setOptions = async (clusterLinkOptions: Partial<ClusterLinkOptions>) => {
    for (const { name } of platform.testbed.leaves) {
      const patch = JSON.stringify({ spec: { clusterLinkOptions } })
      const { code, stderr } = await platform.kubectl(['patch', 'cluster', name, '--type=merge', '-p', patch])
      assert.equal(code, 0, stderr)
    }
  }
  const everyPodReachesEveryOther = async () => {
    for (const [from, to] of acrossClusters()) {
      const seen = await eventually(`${from.name} reaches ${to.name}`, async () => {
        const { stdout, stderr } = await inPod(from, 'curl', '-sS', '-m', '3', `http://${to.ip}:8080/clientip`)
        if (stdout !== '') return stdout
        throw new Error(stderr)
      })
      assert.equal(seen.split(':')[0], from.ip, 'the callee sees who calls')
    }
  }

  before(async () => {
    scratch = await mkdtemp(path.join(os.tmpdir(), 'kosmos-link-'))
    const archive = await linkAgentImage(scratch, silent)
    platform = await startPlatform('link', {
      leaves: 2,
      nodes: 'real:2',
      images: ['agnhost'],
      archives: [archive],
      tree: false,
      link: () => ({ ipFamily: 'ipv4' }),
    })
    for (const [leaf, cluster] of platform.testbed.leaves.entries()) {
      const list = { apiVersion: 'v1', kind: 'List', items: cluster.nodes.map(server) }
      const { code, stderr } = await platform.kubectlIn(cluster, ['apply', '-f', '-'], JSON.stringify(list))
      assert.equal(code, 0, stderr)
      for (const node of cluster.nodes) {
        const name = `on-${node}`
        const waited = await inLeaf(leaf, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=120s')
        assert.equal(waited.code, 0, waited.stderr)
        const { stdout: ip } = await inLeaf(leaf, 'get', 'pod', name, '-o', 'jsonpath={.status.podIP}')
        pods.push({ name, node, ip, leaf })
      }
    }
  })
  after(async () => {
    await platform?.down()
    await rm(scratch, { recursive: true, force: true })
  })

  it('have an agent on every node, which has applied what it should', linked)

  it('let each pod reach each pod of the other cluster under its own address', everyPodReachesEveryOther)
})
