import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { clusterNodes, nodeConfigs } from '@kosmos/cluster-link'
import { join, lines, unjoin } from '@kosmos/kosmosctl'
import { clusters, namespaces, type Service, services } from '@kosmos/kube'
import { enterNode, imageNames, silent } from '@kosmos/testbed'
import { linkAgentImage } from '../platform/link-agent.ts'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { nothingIsWrong } from './link/seen.ts'

const isRoot = process.getuid?.() === 0
const home = 'home'
const quiet = lines(() => undefined)
const link = { ipFamily: 'ipv4', networkType: 'gateway' } as const

describe('a leaf that is linked with its root', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let address: string
  const kubectl = (...args: string[]) => platform.kubectl(args)

  before(async () => {
    platform = await startPlatform('linked-root', {
      leaves: 1,
      nodes: 'real:1',
      rootNodes: 'real:1',
      images: ['agnhost'],
      archives: [await linkAgentImage(silent)],
      link: () => link,
    })
    const root = { file: platform.testbed.root.kubeconfig }
    await join({ name: home, root, leaf: root, tree: false, link }, quiet)
    const { spec } = (await platform.root.get<Service>(services, { namespace: 'default', name: 'kubernetes' })) ?? {}
    address = `https://${spec?.clusterIP}:443`
    const patch = { spec: { clusterTreeOptions: { rootAPIServer: address } } }
    assert.ok((await platform.root.patch(clusters, { name: 'leaf1' }, patch, { type: 'merge' })).ok)
  })
  after(async () => {
    await platform?.down()
  })

  it('has pods that talk to the API server of the root at the address of its Service, and believe it', async () => {
    const container = { image: imageNames.agnhost, args: ['inclusterclient', '--poll-interval=2'] }
    await platform.apply(pod('caller', { container }))
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', 'pod/caller', '--timeout=240s')
    assert.equal(code, 0, stderr)
    const script = [
      'cd /var/run/secrets/kubernetes.io/serviceaccount',
      'echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT',
      'curl -sS -m 5 --cacert ca.crt -H "authorization: Bearer $(cat token)" "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default/pods/caller"',
    ].join(' && ')
    await eventually('it is who it is', async () => {
      const { stdout, stderr } = await kubectl('exec', 'caller', '--', 'sh', '-c', script)
      // The root knows the account, which may not read pods there.
      if (stdout.startsWith(`${new URL(address).hostname}:443`) && /system:serviceaccount:default:default/.test(stdout))
        return true
      throw new Error(stdout + stderr)
    })
    await eventually('client-go has logged in', async () => {
      const { stdout } = await kubectl('logs', 'caller')
      if (
        (stdout.match(/authz_header=/g) ?? []).length >= 2 &&
        !/\berr(or)?\b/i.test(stdout.split('\n').slice(-4).join('\n'))
      )
        return true
      throw new Error(stdout)
    })
  })

  it('is seen to reach the root, and the root to reach it', () => nothingIsWrong(platform))

  it('has a root that leaves the network again, and keeps nothing of it', async () => {
    const { root, testbed } = platform
    const [node = ''] = (await root.listAll(nodeConfigs)).map(({ spec }) => spec.nodeName)
    await unjoin({ name: home, root: { file: testbed.root.kubeconfig } }, quiet)
    const left = await Promise.all([root.listAll(nodeConfigs), root.listAll(clusterNodes)])
    assert.deepEqual(
      left.flat().filter(({ metadata }) => metadata.name.startsWith(`${home}-`)),
      [],
    )
    await eventually('the agents and their namespace are gone', async () => {
      return (await root.get(namespaces, { name: 'kosmos-link' })) === undefined
    })
    const [file = '', ...args] = enterNode(testbed.journal, testbed.root.name, node, ['net'])
    const { stdout } = await promisify(execFile)(file, [...args, 'sh', '-c', OURS])
    assert.equal(stdout, '')
  })
})

/** What an agent makes on its node. */
const OURS =
  'ip -o link | grep -E "vx-|kl-"; ip rule | grep 4876; ip route show table 4876 2>/dev/null; nft list tables | grep kosmos; true'
