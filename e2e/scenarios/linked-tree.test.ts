import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clusterLabel } from '@kosmos/api'
import { pods } from '@kosmos/kube'
import { imageNames, silent } from '@kosmos/testbed'
import { linkAgentImage } from '../platform/link-agent.ts'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0

describe('leaves that are linked as well', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const names = ['in-leaf1', 'in-leaf2']

  before(async () => {
    platform = await startPlatform('linked-tree', {
      leaves: 2,
      nodes: 'real:1',
      images: ['agnhost'],
      archives: [await linkAgentImage(silent)],
      link: () => ({ ipFamily: 'ipv4', networkType: 'gateway' }),
    })
    await platform.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'shop', namespace: 'default' },
      spec: { selector: { app: 'shop' }, ports: [{ port: 80, targetPort: 8080 }] },
    })
    for (const leaf of ['leaf1', 'leaf2']) {
      const container = { image: imageNames.agnhost, args: ['netexec', '--http-port=8080'] }
      const one = pod(`in-${leaf}`, { container })
      const spec = { ...one.spec, nodeSelector: { [clusterLabel]: leaf } }
      await platform.apply({ ...one, metadata: { ...one.metadata, labels: { app: 'shop' } }, spec })
    }
    const { code, stderr } = await kubectl(
      'wait',
      '--for=condition=Ready',
      ...names.map((name) => `pod/${name}`),
      '--timeout=240s',
    )
    assert.equal(code, 0, stderr)
  })
  after(async () => {
    await platform?.down()
  })

  it('let pods of the root reach each other at the addresses that the root shows, whichever leaf they are in', async () => {
    for (const [from, to] of [names, [...names].reverse()] as [string, string][]) {
      const { status } = (await platform.root.get(pods, { namespace: 'default', name: to })) ?? {}
      await eventually(`${from} reaches ${to}`, async () => {
        const url = `http://${status?.podIP}:8080/hostname`
        const { stdout, stderr } = await kubectl('exec', from, '--', 'curl', '-sS', '-m', '3', url)
        if (stdout === to) return true
        throw new Error(stderr || stdout)
      })
    }
  })

  it('let a Service of the root lead to its pods in every leaf, from every leaf', async () => {
    for (const from of names) {
      const seen = new Set<string>()
      await eventually(`${from} sees both pods behind the Service`, async () => {
        const { stdout } = await kubectl('exec', from, '--', 'curl', '-sS', '-m', '3', 'http://shop/hostname')
        if (names.includes(stdout)) seen.add(stdout)
        return seen.size === 2
      })
    }
  })

  it('send nobody to a pod that has gone', async () => {
    assert.equal((await kubectl('delete', 'pod', 'in-leaf2', '--now')).code, 0)
    await eventually('the slice of the other leaf no longer has it', async () => {
      const [leaf] = platform.testbed.leaves
      assert.ok(leaf)
      const { stdout } = await platform.kubectlIn(leaf, [
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=shop',
        '-o',
        'json',
      ])
      const { items } = JSON.parse(stdout) as { items: { endpoints?: object[] }[] }
      return items.flatMap(({ endpoints }) => endpoints ?? []).length === 1
    })
  })
})
