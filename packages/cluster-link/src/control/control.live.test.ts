import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import {
  type ClusterLinkOptions,
  clusterKind,
  clusterNodeKind,
  customResourceDefinition,
  type NodeConfigStatus,
  nodeConfigKind,
} from '@kosmos/api'
import {
  Client,
  Connection,
  clusters,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  nodes,
  secrets,
} from '@kosmos/kube'
import { createProcessMetrics } from '@kosmos/kube/process'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { ClusterLink } from '../cluster-link.ts'
import { clusterNodes, nodeConfigs } from './resources.ts'

interface Live {
  readonly controlPlane: ControlPlane
  readonly client: Client
}

async function start(name: string): Promise<Live> {
  const controlPlane = await startControlPlane({ name })
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  return { controlPlane, client: new Client(new Connection(name, transport), 'kosmos-test') }
}

async function eventually<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function must<T>(outcome: Promise<{ ok: true; object: T } | { ok: false; status: object }>): Promise<T> {
  const answer = await outcome
  if (answer.ok) return answer.object
  throw new Error(JSON.stringify(answer.status))
}

const node = (name: string, ip: string, podCIDR: string) => ({
  metadata: { name },
  spec: { podCIDR, podCIDRs: [podCIDR] },
  status: {
    addresses: [{ type: 'InternalIP', address: ip }],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Test', message: '' }],
  },
})

describe('the controllers of ClusterLink', () => {
  let root: Live
  const members = new Map<string, Live>()
  const stop = new AbortController()
  let running: Promise<void>

  const addNode = async (cluster: string, object: ReturnType<typeof node>) => {
    const client = members.get(cluster)?.client
    assert.ok(client)
    await must(client.create(nodes, object))
    const { status } = object
    await must(
      client.patch(nodes, { name: object.metadata.name }, { status }, { type: 'merge', subresource: 'status' }),
    )
  }
  const options = (cluster: string, clusterLinkOptions: Partial<ClusterLinkOptions>) =>
    must(root.client.patch(clusters, { name: cluster }, { spec: { clusterLinkOptions } }, { type: 'merge' }))
  const configOf = async (cluster: string, nodeName: string) =>
    await members.get(cluster)?.client.get(nodeConfigs, { name: `${cluster}-${nodeName}` })
  const agentSays = (cluster: string, nodeName: string, status: NodeConfigStatus) => {
    const client = members.get(cluster)?.client
    assert.ok(client)
    const name = `${cluster}-${nodeName}`
    return must(client.patch(nodeConfigs, { name }, { status }, { type: 'merge', subresource: 'status' }))
  }
  const linked = async (cluster: string) =>
    (await root.client.get(clusters, { name: cluster }))?.status?.conditions?.find(({ type }) => type === 'Linked')

  before(async () => {
    const [first, ...others] = await Promise.all(['root', 'a', 'b'].map(start))
    assert.ok(first)
    root = first
    for (const [index, name] of ['a', 'b'].entries()) members.set(name, others[index] as Live)
    for (const kind of [clusterKind, clusterNodeKind]) {
      await must(root.client.apply(customResourceDefinitions, customResourceDefinition(kind) as unknown as KubeObject))
    }
    await must(root.client.create(namespaces, { metadata: { name: 'kosmos-system' } }))
    for (const [name, { client, controlPlane }] of members) {
      await must(
        client.apply(customResourceDefinitions, customResourceDefinition(nodeConfigKind) as unknown as KubeObject),
      )
      const kubeconfig = await readFile(controlPlane.kubeconfig)
      const secret = {
        metadata: { name, namespace: 'kosmos-system' },
        data: { kubeconfig: kubeconfig.toString('base64') },
      }
      await must(root.client.create(secrets, secret as KubeObject))
    }
    await addNode('a', node('a1', '172.30.0.11', '10.1.1.0/24'))
    await addNode('a', node('a2', '172.30.0.12', '10.1.2.0/24'))
    await addNode('b', node('b1', '172.30.0.21', '10.2.1.0/24'))
    const link = new ClusterLink({ root: root.client, log: () => undefined, metrics: createProcessMetrics() })
    running = link.run(stop.signal)
    await eventually('the kind is served', async () => {
      const made = []
      for (const name of members.keys()) {
        const spec = { credentialsSecretRef: { name }, clusterLinkOptions: { enable: true } }
        made.push(await root.client.apply(clusters, { metadata: { name }, spec } as KubeObject).catch(() => undefined))
      }
      return made.every((outcome) => outcome?.ok)
    })
  })

  after(async () => {
    stop.abort()
    await running
    for (const { client, controlPlane } of [root, ...members.values()]) {
      await client.connection.close()
      await controlPlane.stop()
    }
  })

  it('know a node when its Node says enough, give it an address that it keeps, and put its plan into its cluster', async () => {
    const config = await eventually('a1 knows the way to b1', async () => {
      const found = await configOf('a', 'a1')
      return found?.spec.routes?.some(({ cidr }) => cidr === '10.2.1.0/24') ? found : undefined
    })
    assert.deepEqual(
      config.spec.routes?.find(({ cidr }) => cidr === '10.2.1.0/24'),
      { cidr: '10.2.1.0/24', gw: '220.30.0.21', dev: 'vx-bridge' },
    )
    const known = await root.client.get(clusterNodes, { name: 'b-b1' })
    assert.equal(known?.spec.ip, '172.30.0.21')
    assert.deepEqual(known?.spec.podCIDRs, ['10.2.1.0/24'])
  })

  it('say what they found out on the Cluster, and what is missing', async () => {
    const status = await eventually('networks of b', async () => {
      const found = (await root.client.get(clusters, { name: 'b' }))?.status
      return found?.clusterLinkStatus ? found : undefined
    })
    assert.deepEqual(status.clusterLinkStatus?.podCIDRs, ['10.2.1.0/24'])
    assert.equal(status.clusterLinkStatus?.serviceCIDRs?.length, 1, 'from the ServiceCIDR object')
    const condition = await eventually('the condition', async () => {
      const found = await linked('b')
      return found?.reason === 'NodesNotReady' ? found : undefined
    })
    assert.match(condition.message, /b1: its agent has not reported/)
  })

  it('give global networks to what two clusters have, here their Services, and route by them', async () => {
    const globals = await eventually('both have one', async () => {
      const found = await Promise.all(['a', 'b'].map((name) => root.client.get(clusters, { name })))
      const seen = found.flatMap((one) => Object.values(one?.status?.clusterLinkStatus?.globalCIDRs ?? {}))
      return seen.length === 2 ? seen : undefined
    })
    assert.deepEqual([...globals].sort(), ['242.0.0.0/16', '242.1.0.0/16'])
    await eventually('a routes to the Services of b', async () => {
      const routes = (await configOf('a', 'a1'))?.spec.routes ?? []
      return routes.some(({ cidr }) => cidr === globals[1])
    })
  })

  it('encrypt only with keys that agents made, and take the address and MTU that they found', async () => {
    await options('b', { tunnel: 'wireguard' })
    await eventually('no clear text any more', async () => {
      const config = await configOf('a', 'a1')
      return (
        config?.spec.devices?.some(({ name }) => name === 'vx-bridge') === false || config?.spec.devices === undefined
      )
    })
    const keyOf = (text: string) => Buffer.from(text.padEnd(32, '.')).toString('base64')
    const said = (publicKey: string, ip: string, mtu: number): NodeConfigStatus => ({
      underlay: { interfaceName: 'eth1', ip, mtu },
      wireGuard: { publicKey, implementation: 'kernel' },
    })
    await agentSays('a', 'a1', said(keyOf('a1'), '192.0.2.11', 1400))
    await agentSays('b', 'b1', said(keyOf('b1'), '192.0.2.21', 9000))
    const config = await eventually('a1 has the key of b1', async () => {
      const found = await configOf('a', 'a1')
      return found?.spec.peers?.length === 1 ? found : undefined
    })
    assert.equal(config.spec.peers?.[0]?.publicKey, keyOf('b1'))
    assert.equal(config.spec.peers?.[0]?.endpoint, '192.0.2.21:51872')
    const mtus = Object.fromEntries(config.spec.devices?.map(({ name, mtu }) => [name, mtu]) ?? [])
    assert.deepEqual(mtus, { 'kl-wireguard': 1340, 'vx-secure': 1290 })
    assert.equal((await configOf('a', 'a2'))?.spec.peers, undefined, 'a2 has told no key')
  })

  it('take IPsec where that is asked for, with the keys for it', async () => {
    await options('b', { tunnel: 'ipsec' })
    const said = (publicKey: string, ip: string): NodeConfigStatus => ({
      underlay: { interfaceName: 'eth1', ip, mtu: 1400 },
      ipsec: { publicKey, implementation: 'libipsec' },
    })
    await agentSays('a', 'a1', said('YTE=', '192.0.2.11'))
    await agentSays('b', 'b1', said('YjE=', '192.0.2.21'))
    const { spec } = await eventually('a1 has the key of b1', async () => {
      const found = await configOf('a', 'a1')
      return found?.spec.ipsecPeers?.length === 1 ? found : undefined
    })
    const [{ publicKey, local, remote } = {}] = spec.ipsecPeers ?? []
    assert.deepEqual([publicKey, local, remote], ['YjE=', '192.0.2.11', '192.0.2.21'])
    const mtus = Object.fromEntries(spec.devices?.map(({ name, mtu }) => [name, mtu]) ?? [])
    assert.deepEqual(mtus, { ipsec0: 1335, 'vx-secure': 1285 })
    assert.equal(spec.peers, undefined)
  })

  it('choose gateways, route the others by them, and let only the gateways know the other cluster', async () => {
    await options('a', { networkType: 'gateway', tunnel: 'vxlan' })
    await options('b', { tunnel: 'vxlan' })
    await addNode('a', node('a3', '172.30.0.13', '10.1.3.0/24'))
    const roles = await eventually('two gateways', async () => {
      const found = (await root.client.listAll(clusterNodes)).filter(({ spec }) => spec.roles?.includes('gateway'))
      return found.length === 2 ? found.map(({ spec }) => spec.nodeName) : undefined
    })
    const inner = ['a1', 'a2', 'a3'].find((name) => !roles.includes(name))
    assert.ok(inner)
    const config = await eventually('the inner node goes by its gateways', async () => {
      const found = await configOf('a', inner)
      return found?.spec.routes?.filter(({ cidr }) => cidr === '10.2.1.0/24').length === 2 ? found : undefined
    })
    assert.deepEqual(new Set(config.spec.routes?.map(({ dev }) => dev)), new Set(['vx-local']))
    await eventually('b1 has tunnels to the gateways only', async () => {
      const fdbs = (await configOf('b', 'b1'))?.spec.fdbs
      return fdbs?.length === 2
    })
  })

  it('name both networks that overlap, on both Clusters, and change no route for them', async () => {
    await options('b', { globalCIDRsMap: { '10.2.1.0/24': '10.1.1.0/24' } })
    for (const cluster of ['a', 'b']) {
      const condition = await eventually(`the condition of ${cluster}`, async () => {
        const found = await linked(cluster)
        return found?.reason === 'NetworksOverlap' ? found : undefined
      })
      assert.match(condition.message, /10\.1\.1\.0\/24 of (a and 10\.1\.1\.0\/24 of b|b and 10\.1\.1\.0\/24 of a)/)
    }
    await options('b', { globalCIDRsMap: null as never })
  })

  it('forget a node that has gone, everywhere', async () => {
    const client = members.get('a')?.client
    await client?.delete(nodes, { name: 'a3' })
    await eventually('a3 is nowhere', async () => {
      const known = await root.client.get(clusterNodes, { name: 'a-a3' })
      return known === undefined && (await configOf('a', 'a3')) === undefined
    })
  })

  it('take everything away when a Cluster is linked no longer, and let it go', async () => {
    await options('b', { enable: false })
    await eventually('nothing is left of b', async () => {
      const config = await configOf('b', 'b1')
      const known = await root.client.get(clusterNodes, { name: 'b-b1' })
      const { finalizers = [] } = (await root.client.get(clusters, { name: 'b' }))?.metadata ?? {}
      return config === undefined && known === undefined && finalizers.length === 0
    })
    await eventually('a1 has no way to b any more', async () => (await configOf('a', 'a1'))?.spec.routes === undefined)
  })
})
