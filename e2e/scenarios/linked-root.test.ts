import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { clusters, type Service, services } from '@kosmos/kube'
import { imageNames, silent } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { linkAgentImage } from '../platform/link-agent.ts'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
const link = { ipFamily: 'ipv4', networkType: 'gateway' } as const

/** The root as ClusterLink knows it: linked like any cluster, and no leaf of itself. */
const home = {
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'Cluster',
  metadata: { name: 'home', annotations: { 'kosmos.io/cluster-role': 'root' } },
  spec: { clusterLinkOptions: { enable: true, ...link } },
}

/** The agents of ClusterLink and their rights, as `join --link` brings them to a cluster; not the account by which a root reaches in. */
async function agents(): Promise<object[]> {
  const deploy = path.resolve(import.meta.dirname, '../../deploy')
  const files = ['rbac/leaf-link.yaml', 'link-agent.yaml'].map((file) => readFile(path.join(deploy, file), 'utf8'))
  const all = (await Promise.all(files)).flatMap((text) => loadAll(text.replaceAll('<cluster>', 'home')) as object[])
  return all.filter((manifest) => !JSON.stringify(manifest).includes('<root>'))
}

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
    await platform.apply(...(await agents()), home)
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
})
