import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  Connection,
  clusters,
  configMaps,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  loadKubeConfig,
  nodes,
  type Resource,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { ipamBlock } from '../../discover/objects.fixture.ts'
import { blockAffinities, ciliumNodes, ipamBlocks, ipPools } from '../resources.ts'
import { linkOwnCluster, type OwnCluster, served } from './own-cluster.fixture.ts'
import { definitionOf } from './plug-ins.fixture.ts'

const [pools, blocks, inUse] = [ipPools[0], blockAffinities[0], ipamBlocks[0]] as [Resource, Resource, Resource]

/** The root is a cluster of its own, by credentials that have the rights in a linked cluster and no others. */
describe('what a cluster says of its networks', () => {
  let controlPlane: ControlPlane
  let client: Client
  let own: OwnCluster

  const make = async (kind: Resource, object: object) => unwrap(await client.apply(kind, object as KubeObject))
  const define = async (...kinds: Resource[]) => {
    for (const kind of kinds) await make(customResourceDefinitions, definitionOf(kind))
  }
  /** A kind is served a moment after it is defined. */
  const put = (kind: Resource, name: string, spec: object) =>
    served(
      `${kind.kind} ${name}`,
      async () => (await client.apply(kind, { metadata: { name }, spec } as KubeObject)).ok,
    )
  const block = (node: string, cidr: string) =>
    put(blocks, `${node}-${cidr.replaceAll(/[./]/g, '-')}`, { node, cidr, state: 'confirmed', deleted: 'false' })

  before(async () => {
    controlPlane = await startControlPlane({ name: 'root' })
    const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
    client = new Client(new Connection('root', transport), 'kosmos-test')
    await define(pools, blocks, inUse)
    for (const [name, podCIDR] of Object.entries({ n1: '10.244.1.0/24', n2: '10.244.2.0/24' })) {
      unwrap(await client.create(nodes, { metadata: { name }, spec: { podCIDR, podCIDRs: [podCIDR] } } as KubeObject))
    }
    await put(pools, 'default', { cidr: '192.168.0.0/16' })
    await block('n1', '192.168.1.0/26')
    await block('n1', '192.168.1.64/26')
    await block('n2', '192.168.9.0/26')
    // Joined by a version that knew Nodes and ServiceCIDRs only.
    const before = ['nodes', 'servicecidrs', 'nodeconfigs']
    own = await linkOwnCluster(controlPlane, client, (role) => ({
      ...role,
      rules: role.rules.filter(({ resources }) => before.includes(`${resources}`)),
    }))
  })

  after(async () => {
    await own?.stop()
    await client?.connection.close()
    await controlPlane?.stop()
  })

  it('is known as far as it may be read, and what may not be is named', async () => {
    const { podCIDRs } = await own.says(
      'RightsMissing',
      /: ippools\.crd\.projectcalico\.org, blockaffinities\.crd\S+, ipamblocks\.crd/,
    )
    assert.deepEqual(podCIDRs, ['10.244.1.0/24', '10.244.2.0/24'], 'those of the nodes')
  })

  it('is what Calico says, once the cluster is joined again, with the blocks of each node', async () => {
    await own.joinAgain()
    const { message } = await own.says('NetworksFound', /pods 192\.168\.0\.0\/16 \(IPPools of Calico\)/)
    assert.match(message ?? '', /Services \S+ \(ServiceCIDR objects\)$/)
    await own.nodeHas('n1', ['192.168.1.0/25'])
    await own.nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is followed: a block more, a block less', async () => {
    await block('n2', '192.168.9.128/26')
    await own.nodeHas('n2', ['192.168.9.0/26', '192.168.9.128/26'])
    await client.delete(blocks, { name: 'n2-192-168-9-128-26' })
    await own.nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is followed: addresses that a node has out of the block of another one, as they come and go', async () => {
    const put192 = async (users: readonly (string | null)[]) => {
      const { spec } = ipamBlock('192.168.1.0/26', 'host:n1', users)
      await put(inUse, '192-168-1-0-26', spec ?? {})
    }
    await put192(['n1', 'n2', null, 'n1'])
    await own.nodeHas('n2', ['192.168.9.0/26', '192.168.1.1/32'])
    await put192(['n1', null, null, 'n2'])
    await own.nodeHas('n2', ['192.168.9.0/26', '192.168.1.3/32'])
    await own.nodeHas('n1', ['192.168.1.0/25'])
    await client.delete(inUse, { name: '192-168-1-0-26' })
    await own.nodeHas('n2', ['192.168.9.0/26'])
  })

  it('is said to be wrong with both culprits: a block in no pool, a block of two nodes, a pool that is none', async () => {
    await block('n2', '10.9.0.0/26')
    await own.says('Contradicting', /10\.9\.0\.0\/26 of BlockAffinity n2-\S+ and 192\.168\.0\.0\/16 of IPPool default$/)
    await client.delete(blocks, { name: 'n2-10-9-0-0-26' })
    await block('n2', '192.168.1.0/26')
    await own.says(
      'Contradicting',
      /192\.168\.1\.0\/26 of BlockAffinity n1-\S+ and 192\.168\.1\.0\/26 of BlockAffinity n2-/,
    )
    await client.delete(blocks, { name: 'n2-192-168-1-0-26' })
    await put(pools, 'bad', { cidr: '10.0.0.0/99; reboot' })
    const { podCIDRs } = await own.says('NetworksInvalid', /"10\.0\.0\.0\/99; reboot" of IPPool bad is no network$/)
    assert.deepEqual(podCIDRs, ['192.168.0.0/16'])
    await client.delete(pools, { name: 'bad' })
    await own.says('NetworksFound', /192\.168/)
  })

  it('counts a disabled pool as long as a node has a block of it', async () => {
    await put(pools, 'old', { cidr: '10.7.0.0/16', disabled: true })
    await block('n2', '10.7.0.64/26')
    await own.says('NetworksFound', /pods 10\.7\.0\.0\/16, 192\.168\.0\.0\/16 /)
    await client.delete(blocks, { name: 'n2-10-7-0-64-26' })
    await own.says('NetworksFound', /pods 192\.168\.0\.0\/16 /)
  })

  it('is what the next plug-in says, installed while all runs, after the other one has gone', async () => {
    await define(ciliumNodes)
    await put(ciliumNodes, 'n1', { ipam: { podCIDRs: ['10.0.1.0/24'] } })
    await own.says('Contradicting', /192\.168\.0\.0\/16 of IPPool default and 10\.0\.1\.0\/24 of CiliumNode n1/)
    for (const { plural, group } of [pools, blocks, inUse]) {
      await client.delete(customResourceDefinitions, { name: `${plural}.${group}` })
    }
    await own.says('NetworksFound', /pods 10\.0\.1\.0\/24 \(CiliumNodes\)/)
    await own.nodeHas('n1', ['10.0.1.0/24'])
    await own.nodeHas('n2', [])
    await client.delete(customResourceDefinitions, { name: `${ciliumNodes.plural}.${ciliumNodes.group}` })
    await own.says('NetworksFound', /pods 10\.244\.1\.0\/24, 10\.244\.2\.0\/24 \(spec\.podCIDRs of nodes\)/)
  })

  it('is what settings say where nothing else does, and where only installers put them', async () => {
    for (const name of ['n1', 'n2']) await client.delete(nodes, { name })
    await own.says('NothingFound', /: pods$/)
    const ClusterConfiguration = 'networking: {podSubnet: 10.200.0.0/16, serviceSubnet: 10.96.0.0/12}'
    const name = 'kubeadm-config'
    await make(configMaps, { metadata: { name, namespace: 'kosmos-system' }, data: { ClusterConfiguration } })
    await make(configMaps, {
      metadata: { name, namespace: 'kube-system' },
      data: { ClusterConfiguration: ClusterConfiguration.replace('10.200', '10.201') },
    })
    const { podCIDRs } = await own.says('NodesUnknown', /networkType/)
    assert.deepEqual(podCIDRs, ['10.201.0.0/16'])
  })

  it('is refused at the door where a hand writes what is no network', async () => {
    const spec = { clusterLinkOptions: { podCIDRs: ['10.1.0.0'] } }
    const outcome = await client.patch(clusters, { name: 'a' }, { spec }, { type: 'merge' })
    assert.ok(!outcome.ok)
    assert.match(outcome.status.message ?? '', /must be a CIDR such as 10\.1\.0\.0\/16/)
  })
})
