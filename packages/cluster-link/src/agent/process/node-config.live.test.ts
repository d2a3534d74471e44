import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { apiVersion, customResourceDefinition, type NodeConfig, nodeConfigKind } from '@kosmos/api'
import {
  Client,
  Connection,
  createTransport,
  customResourceDefinitions,
  type KubeObject,
  leases,
  loadKubeConfig,
  namespaces,
  type RequestObservation,
  resource,
} from '@kosmos/kube'
import { createLog } from '@kosmos/kube/process'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from '../network.fixture.ts'
import { bridgeAddress, plainSpec } from '../node-config.fixture.ts'
import { loadKeyPair } from '../wireguard/key.ts'
import { serveNodeConfig } from './node-config.ts'

const nodeConfigs = resource<NodeConfig & KubeObject>(apiVersion, 'NodeConfig', 'nodeconfigs', 'Cluster')
const name = 'east-a'
const [me, other] = [{ number: 1 }, { number: 2 }] as const
const spec = plainSpec(me, [other], { routes: [{ cidr: '10.2.0.0/16', gw: bridgeAddress(other), dev: 'vx-bridge' }] })

describe('the agent of a node and its API server', { skip: unlessRoot }, () => {
  let controlPlane: ControlPlane
  let client: Client
  let network: Network
  let a: Host
  let requests: RequestObservation[] = []
  let agent: { stop(): Promise<void> } | undefined

  before(async () => {
    controlPlane = await startControlPlane({ name: 'link-agent' })
    client = await connect(controlPlane, 'kosmos-test')
    network = await startNetwork({ a: ['192.0.2.1/24', '2001:db8::1/64'], b: ['192.0.2.2/24'] })
    a = hostOf(network, 'a')
    const definition = customResourceDefinition(nodeConfigKind) as KubeObject
    await client.create(customResourceDefinitions, definition)
    await client.create(namespaces, { metadata: { name: 'kosmos-link' } })
    await eventually('NodeConfigs can be created', async () => {
      const created = await client
        .create(nodeConfigs, { metadata: { name }, spec: { nodeName: 'a' } } as KubeObject)
        .catch(() => undefined)
      return created?.ok
    })
    agent = start(await own())
  })
  after(async () => {
    await agent?.stop()
    await client?.connection.close()
    await network?.end()
    await controlPlane?.stop()
  })

  const own = () => connect(controlPlane, 'kosmos-link-agent', (observation) => requests.push(observation))
  function start(client: Client) {
    const stop = new AbortController()
    const { shell, stateDir } = a
    const options = {
      client,
      name,
      shell,
      stateDir,
      autodetection: { method: 'first-found' },
      onReady: () => {},
      log: createLog('error'),
      wordMs: 2_000,
    } as const
    const served = serveNodeConfig(options, stop.signal)
    return {
      stop: async () => {
        stop.abort()
        await served
        await client.connection.close()
      },
    }
  }
  const read = async () => {
    const stored = await client.get(nodeConfigs, { name })
    assert(stored)
    return stored
  }
  /** What the node has without us. */
  const ofItsOwn = () =>
    a.sh('{ ip -o address show dev eth0; ip route; ip -6 route; ip rule; } | grep -v -e vx- -e 487')
  const condition = async (type: string) => (await read()).status?.conditions?.find((each) => each.type === type)
  const want = async (wanted: NodeConfig['spec']) => {
    const outcome = await client.patch(nodeConfigs, { name }, { spec: wanted }, { type: 'merge' })
    assert(outcome.ok, JSON.stringify(outcome))
    return outcome.object.metadata.generation
  }

  it('tell where its tunnels start from and its public key, before anything is wanted of it', async () => {
    const status = await eventually('both are there', async () => {
      const { status } = await read()
      return status?.wireGuard && status.underlay && status
    })
    const { publicKey } = await loadKeyPair(a.stateDir)
    assert.equal(status.wireGuard?.publicKey, publicKey)
    assert.deepEqual(status.underlay, { interfaceName: 'eth0', ip: '192.0.2.1', ip6: '2001:db8::1', mtu: 1500 })
  })

  it('does what the NodeConfig says, and says so', async (test) => {
    const startedAt = performance.now()
    const generation = await want(spec)
    await eventually('it is applied', async () => (await read()).status?.observedGeneration === generation)
    test.diagnostic(`observed after ${Math.round(performance.now() - startedAt)} ms`)
    assert.match(await a.sh('ip route show table 4876'), /10\.2\.0\.0\/16 via 220\.0\.2\.2 dev vx-bridge/)
    assert.equal((await condition('Applied'))?.status, 'True')
    assert((await read()).status?.lastChangeTime)
  })

  it('says which next hop does not answer', async () => {
    await eventually(
      'the dead one is found',
      async () => (await condition('NextHopsReachable'))?.reason === 'SomeUnreachable',
    )
    const { nextHops } = (await read()).status ?? {}
    assert.deepEqual(
      nextHops?.map(({ address, reachable }) => [address, reachable]),
      [['220.0.2.2', false]],
    )
  })

  it('says what the kernel refuses, and keeps what was there', async () => {
    const routes = [...(spec.routes ?? []), { cidr: '10.9.0.0/16', gw: '220.0.2.9', dev: 'vx-nowhere' }]
    const { generation: before } = (await read()).metadata
    const generation = await want({ ...spec, routes })
    const refused = await eventually('it is refused', async () => {
      const applied = await condition('Applied')
      return applied?.reason === 'ApplyFailed' && applied.observedGeneration === generation && applied
    })
    assert.match(refused.message, /10\.9\.0\.0\/16.*vx-nowhere/)
    assert.equal((await read()).status?.observedGeneration, before)
    assert.match(await a.sh('ip route show table 4876'), /10\.2\.0\.0\/16 via 220\.0\.2\.2/)
    await want(spec)
    await eventually('it is applied', async () => (await condition('Applied'))?.status === 'True')
  })

  it('says that the node does not forward', async () => {
    await a.sh('sysctl -qw net/ipv4/ip_forward=0')
    await eventually('it is seen', async () => (await condition('Applied'))?.reason === 'ForwardingDisabled')
    await a.sh('sysctl -qw net/ipv4/ip_forward=1')
    await eventually('it is seen', async () => (await condition('Applied'))?.status === 'True')
  })

  it('says that the node has no IPv6, which is to be linked; IPv4 is', async () => {
    await a.sh('sysctl -qw net/ipv6/conf/default/disable_ipv6=1')
    const before = await ofItsOwn()
    await want({ ...spec, nodeName: 'without-ipv6' })
    await eventually('it is seen', async () => (await condition('Applied'))?.reason === 'FamilyDisabled')
    assert.equal(await ofItsOwn(), before)
    assert.match(await a.sh('ip route show table 4876'), /10\.2\.0\.0\/16 via 220\.0\.2\.2/)
    await a.sh('sysctl -qw net/ipv6/conf/default/disable_ipv6=0')
    await want(spec)
    await eventually('it is applied', async () => (await condition('Applied'))?.status === 'True')
  })

  it('says by which method it finds no interface, or that this is none, and keeps what there is', async () => {
    const before = await ofItsOwn()
    for (const [method, words] of [
      ['interface=eth9', /: interface=eth9$/],
      ['interface=[', /Invalid regular expression/],
      ['can-reach=nowhere', /: can-reach=nowhere: first-found, can-reach=ADDRESS/],
    ] as const) {
      await want({ ...spec, autodetectionMethod: method })
      await eventually(method, async () => {
        const applied = await condition('Applied')
        return applied?.reason === 'InterfaceNotFound' && words.test(applied.message)
      })
    }
    assert.equal(await ofItsOwn(), before)
    assert.match(await a.sh('ip route show table 4876'), /10\.2\.0\.0\/16 via 220\.0\.2\.2/)
    await want({ ...spec, autodetectionMethod: 'first-found' })
    await eventually('it is found', async () => (await condition('Applied'))?.status === 'True')
  })

  it('says nothing more when nothing happens but that it lives, by a small object', async () => {
    // What was done last is told of first, at its own pace.
    await eventually('for five seconds it says that it lives', async () => {
      requests = []
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      const isLease = ({ method, path }: RequestObservation) =>
        /^PATCH .*\/kosmos-link\/leases\/node-1\b/.test(`${method} ${path}`)
      return requests.every(isLease) && requests.length >= 1 && requests.length <= 3
    })
    const lease = await client.get(leases, { namespace: 'kosmos-link', name: 'node-1' })
    assert.equal(lease?.spec?.leaseDurationSeconds, 4, 'it is missed when two of its words are')
  })

  it('follows an address that moves', async () => {
    await a.sh('ip address delete 192.0.2.1/24 dev eth0; ip address add 192.0.2.7/24 dev eth0')
    await eventually('it is seen', async () => (await read()).status?.underlay?.ip === '192.0.2.7')
  })

  it('takes everything of the NodeConfig away when that is deleted', async () => {
    await client.delete(nodeConfigs, { name })
    await eventually('the table is gone', async () => (await a.sh('nft list ruleset')) === '')
    await eventually('the device is gone', async () => (await a.sh('ip link show vx-bridge || true')) === '')
    await eventually('the rule is gone', async () => !/4876/.test(await a.sh('ip rule')))
  })

  it('does what it did last when the API server cannot be reached', async () => {
    await client.create(nodeConfigs, { metadata: { name }, spec } as KubeObject)
    await eventually('it is applied', async () => (await condition('Applied'))?.status === 'True')
    await agent?.stop()
    await a.sh('ip link delete vx-bridge')
    const later = await own()
    await controlPlane.stop()
    agent = start(later)
    await eventually('the device is back', async () => (await a.sh('ip link show vx-bridge || true')) !== '')
  })
})

async function connect(
  controlPlane: ControlPlane,
  fieldManager: string,
  onRequest?: (observation: RequestObservation) => void,
): Promise<Client> {
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  return new Client(new Connection(controlPlane.name, transport, onRequest ? { onRequest } : {}), fieldManager)
}
