import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import {
  clusterKind,
  clusterLinkPolicyKind,
  clusterNodeKind,
  customResourceDefinition,
  nodeConfigKind,
} from '@kosmos/api'
import {
  Client,
  Connection,
  clusters,
  configMaps,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  nodes,
  type Resource,
  resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { createProcessMetrics } from '@kosmos/kube/process'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { ClusterLink } from '../../cluster-link.ts'
import { ipamBlock } from '../../discover/objects.fixture.ts'
import { blockAffinities, ciliumNodes, clusterNodes, ipamBlocks, ipPools } from '../resources.ts'
import { definitionOf } from './plug-ins.fixture.ts'

const account = { namespace: 'kosmos-system', name: 'kosmos-1' }
const manifest = new URL('../../../../../deploy/rbac/leaf-link.yaml', import.meta.url)
const clusterRoles = resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
)
const [pools, blocks, inUse] = [ipPools[0], blockAffinities[0], ipamBlocks[0]] as [Resource, Resource, Resource]

interface Role extends KubeObject {
  readonly rules: readonly { readonly resources: readonly string[] }[]
}

/** As join --link gives them, for the root that has the id 1. */
async function rightsInTheCluster(): Promise<{ role: Role; binding: KubeObject }> {
  const text = (await readFile(manifest, 'utf8')).replaceAll('<root>', '1')
  const own = (loadAll(text) as KubeObject[]).filter(({ metadata }) => metadata?.name === 'kosmos-1-link')
  const [role, binding] = ['ClusterRole', 'ClusterRoleBinding'].map((kind) => own.find((one) => one.kind === kind))
  assert.ok(role && binding)
  return { role: role as Role, binding }
}

/** The root is a cluster of its own, by credentials that have the rights in a linked cluster and no others. */
describe('what a cluster says of its networks', () => {
  let controlPlane: ControlPlane
  let client: Client
  const stop = new AbortController()
  let running: Promise<void>

  const make = async (kind: Resource, object: object) => unwrap(await client.apply(kind, object as KubeObject))
  const define = async (...kinds: Resource[]) => {
    for (const kind of kinds) await make(customResourceDefinitions, definitionOf(kind))
  }
  /** A kind is served a moment after it is defined. */
  const put = (kind: Resource, name: string, spec: object) =>
    eventually(
      `${kind.kind} ${name}`,
      async () => (await client.apply(kind, { metadata: { name }, spec } as KubeObject)).ok,
    )
  const block = (node: string, cidr: string) =>
    put(blocks, `${node}-${cidr.replaceAll(/[./]/g, '-')}`, { node, cidr, state: 'confirmed', deleted: 'false' })
  const found = async () => {
    const { status } = (await client.get(clusters, { name: 'a' })) ?? {}
    const condition = status?.conditions?.find(({ type }) => type === 'NetworksFound')
    return { podCIDRs: status?.clusterLinkStatus?.podCIDRs ?? [], ...condition }
  }
  const says = (reason: string, message: RegExp) =>
    eventually(`${reason} ${message}`, async () => {
      const seen = await found()
      return seen.reason === reason && message.test(seen.message ?? '') ? seen : undefined
    })
  const nodeHas = (name: string, podCIDRs: readonly string[]) =>
    eventually(`${name} has ${podCIDRs}`, async () => {
      const seen = (await client.get(clusterNodes, { name: `a-${name}` }))?.spec.podCIDRs ?? []
      return seen.join() === podCIDRs.join()
    })
  /** A token is new with each join, and with it the connection. */
  const join = async () => {
    const granted = unwrap(await client.requestToken(account, { expirationSeconds: 3600 }))
    const name = 'own'
    const cluster = {
      server: controlPlane.server,
      'certificate-authority-data': Buffer.from(controlPlane.ca ?? '').toString('base64'),
    }
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster }],
      users: [{ name, user: { token: granted?.status.token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    }
    const data = { kubeconfig: Buffer.from(JSON.stringify(kubeconfig)).toString('base64') }
    await make(secrets, { metadata: { name: 'a', namespace: 'kosmos-system' }, data })
  }

  before(async () => {
    controlPlane = await startControlPlane({ name: 'root' })
    const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
    client = new Client(new Connection('root', transport), 'kosmos-test')
    for (const kind of [clusterKind, clusterLinkPolicyKind, clusterNodeKind, nodeConfigKind]) {
      await make(customResourceDefinitions, customResourceDefinition(kind))
    }
    await define(pools, blocks, inUse)
    await make(namespaces, { metadata: { name: 'kosmos-system' } })
    await make(serviceAccounts, { metadata: account })
    for (const [name, podCIDR] of Object.entries({ n1: '10.244.1.0/24', n2: '10.244.2.0/24' })) {
      unwrap(await client.create(nodes, { metadata: { name }, spec: { podCIDR, podCIDRs: [podCIDR] } } as KubeObject))
    }
    await put(pools, 'default', { cidr: '192.168.0.0/16' })
    await block('n1', '192.168.1.0/26')
    await block('n1', '192.168.1.64/26')
    await block('n2', '192.168.9.0/26')
    // Joined by a version that knew Nodes and ServiceCIDRs only.
    const { role, binding } = await rightsInTheCluster()
    const before = ['nodes', 'servicecidrs', 'nodeconfigs']
    await make(clusterRoles, { ...role, rules: role.rules.filter(({ resources }) => before.includes(`${resources}`)) })
    await make(clusterRoleBindings, binding)
    await join()
    const link = new ClusterLink({
      root: client,
      log: () => undefined,
      metrics: createProcessMetrics(),
      record: () => undefined,
    })
    running = link.run(stop.signal)
    const spec = { credentialsSecretRef: { name: 'a' }, clusterLinkOptions: { enable: true } }
    await put(clusters, 'a', spec)
  })

  after(async () => {
    stop.abort()
    await running
    await client?.connection.close()
    await controlPlane?.stop()
  })

  it('is known as far as it may be read, and what may not be is named', async () => {
    const { podCIDRs } = await says(
      'RightsMissing',
      /: ippools\.crd\.projectcalico\.org, blockaffinities\.crd\S+, ipamblocks\.crd/,
    )
    assert.deepEqual(podCIDRs, ['10.244.1.0/24', '10.244.2.0/24'], 'those of the nodes')
  })

  it('is what Calico says, once the cluster is joined again, with the blocks of each node', async () => {
    await make(clusterRoles, (await rightsInTheCluster()).role)
    await join()
    const { message } = await says('NetworksFound', /pods 192\.168\.0\.0\/16 \(IPPools of Calico\)/)
    assert.match(message ?? '', /Services \S+ \(ServiceCIDR objects\)$/)
    await nodeHas('n1', ['192.168.1.0/25'])
    await nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is followed: a block more, a block less', async () => {
    await block('n2', '192.168.9.128/26')
    await nodeHas('n2', ['192.168.9.0/26', '192.168.9.128/26'])
    await client.delete(blocks, { name: 'n2-192-168-9-128-26' })
    await nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is followed: addresses that a node has out of the block of another one, as they come and go', async () => {
    const put192 = async (users: readonly (string | null)[]) => {
      const { spec } = ipamBlock('192.168.1.0/26', 'host:n1', users)
      await put(inUse, '192-168-1-0-26', spec ?? {})
    }
    await put192(['n1', 'n2', null, 'n1'])
    await nodeHas('n2', ['192.168.9.0/26', '192.168.1.1/32'])
    await put192(['n1', null, null, 'n2'])
    await nodeHas('n2', ['192.168.9.0/26', '192.168.1.3/32'])
    await nodeHas('n1', ['192.168.1.0/25'])
    await client.delete(inUse, { name: '192-168-1-0-26' })
    await nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is said to be wrong with both culprits: a block in no pool, a block of two nodes, a pool that is none', async () => {
    await block('n2', '10.9.0.0/26')
    await says('Contradicting', /10\.9\.0\.0\/26 of BlockAffinity n2-\S+ and 192\.168\.0\.0\/16 of IPPool default$/)
    await client.delete(blocks, { name: 'n2-10-9-0-0-26' })
    await block('n2', '192.168.1.0/26')
    await says(
      'Contradicting',
      /192\.168\.1\.0\/26 of BlockAffinity n1-\S+ and 192\.168\.1\.0\/26 of BlockAffinity n2-/,
    )
    await client.delete(blocks, { name: 'n2-192-168-1-0-26' })
    await put(pools, 'bad', { cidr: '10.0.0.0/99; reboot' })
    const { podCIDRs } = await says('NetworksInvalid', /"10\.0\.0\.0\/99; reboot" of IPPool bad is no network$/)
    assert.deepEqual(podCIDRs, ['192.168.0.0/16'])
    await client.delete(pools, { name: 'bad' })
    await says('NetworksFound', /192\.168/)
  })

  it('counts a disabled pool as long as a node has a block of it', async () => {
    await put(pools, 'old', { cidr: '10.7.0.0/16', disabled: true })
    await block('n2', '10.7.0.64/26')
    await says('NetworksFound', /pods 10\.7\.0\.0\/16, 192\.168\.0\.0\/16 /)
    await client.delete(blocks, { name: 'n2-10-7-0-64-26' })
    await says('NetworksFound', /pods 192\.168\.0\.0\/16 /)
  })

  it('is what the next plug-in says, installed while all runs, after the other one has gone', async () => {
    await define(ciliumNodes)
    await put(ciliumNodes, 'n1', { ipam: { podCIDRs: ['10.0.1.0/24'] } })
    await says('Contradicting', /192\.168\.0\.0\/16 of IPPool default and 10\.0\.1\.0\/24 of CiliumNode n1/)
    for (const { plural, group } of [pools, blocks, inUse]) {
      await client.delete(customResourceDefinitions, { name: `${plural}.${group}` })
    }
    await says('NetworksFound', /pods 10\.0\.1\.0\/24 \(CiliumNodes\)/)
    await nodeHas('n1', ['10.0.1.0/24'])
    await nodeHas('n2', [])
    await client.delete(customResourceDefinitions, { name: `${ciliumNodes.plural}.${ciliumNodes.group}` })
    await says('NetworksFound', /pods 10\.244\.1\.0\/24, 10\.244\.2\.0\/24 \(spec\.podCIDRs of nodes\)/)
  })

  it('is what settings say where nothing else does, and where only installers put them', async () => {
    for (const name of ['n1', 'n2']) await client.delete(nodes, { name })
    await says('NothingFound', /: pods$/)
    const ClusterConfiguration = 'networking: {podSubnet: 10.200.0.0/16, serviceSubnet: 10.96.0.0/12}'
    const name = 'kubeadm-config'
    await make(configMaps, { metadata: { name, namespace: 'kosmos-system' }, data: { ClusterConfiguration } })
    await make(configMaps, {
      metadata: { name, namespace: 'kube-system' },
      data: { ClusterConfiguration: ClusterConfiguration.replace('10.200', '10.201') },
    })
    const { podCIDRs } = await says('NodesUnknown', /networkType/)
    assert.deepEqual(podCIDRs, ['10.201.0.0/16'])
  })

  it('is refused at the door where a hand writes what is no network', async () => {
    const spec = { clusterLinkOptions: { podCIDRs: ['10.1.0.0'] } }
    const outcome = await client.patch(clusters, { name: 'a' }, { spec }, { type: 'merge' })
    assert.ok(!outcome.ok)
    assert.match(outcome.status.message ?? '', /must be a CIDR such as 10\.1\.0\.0\/16/)
  })
})

async function eventually<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = await look().catch(() => undefined)
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
