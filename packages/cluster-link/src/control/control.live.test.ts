import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import {
  type ClusterLinkOptions,
  clusterKind,
  clusterLinkPolicyKind,
  clusterNodeKind,
  customResourceDefinition,
  type NodeConfigStatus,
  nodeConfigCondition,
  nodeConfigKind,
  rotateKeysAnnotation,
} from '@kosmos/api'
import {
  Client,
  Connection,
  clusters,
  createTransport,
  customResourceDefinitions,
  EventRecorder,
  events,
  type KubeObject,
  leases,
  loadKubeConfig,
  namespaces,
  nodes,
  type ObjectRef,
  resource,
  secrets,
  serviceAccounts,
} from '@kosmos/kube'
import { createProcessMetrics } from '@kosmos/kube/process'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { renewWord } from '../agent/status/word.ts'
import { ClusterLink } from '../cluster-link.ts'
import { RootPolicies } from './policies/root-policies.ts'
import { clusterLinkPolicies, clusterNodes, nodeConfigs } from './resources.ts'

const rbac = 'rbac.authorization.k8s.io/v1'
const clusterRoles = resource(rbac, 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(rbac, 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster')

interface Live {
  readonly controlPlane: ControlPlane
  readonly client: Client
}

async function start(name: string): Promise<Live> {
  const controlPlane = await startControlPlane({ name })
  const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
  return { controlPlane, client: new Client(new Connection(name, transport), 'kosmos-test') }
}

/** A client with the rights of an account. */
async function connectAs({ controlPlane, client }: Live, account: ObjectRef): Promise<Client> {
  const { status } = await must(
    client.createFor<{ status: { token: string } }>(serviceAccounts, account, 'token', {} as KubeObject),
  )
  const admin = loadKubeConfig({ file: controlPlane.kubeconfig })
  const [server] = admin.clusters
  assert.ok(server)
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'it', cluster: { server: server.server, 'certificate-authority-data': server.caData } }],
    users: [{ name: 'it', user: { token: status.token } }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    'current-context': 'it',
  })
  return new Client(new Connection('restricted', await createTransport(loadKubeConfig({ text }))), 'kosmos-test')
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
  let recorder: EventRecorder
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
  const agentSays = async (cluster: string, nodeName: string, status: NodeConfigStatus) => {
    const client = members.get(cluster)?.client
    assert.ok(client)
    const name = `${cluster}-${nodeName}`
    await must(client.patch(nodeConfigs, { name }, { status }, { type: 'merge', subresource: 'status' }))
    await agentLives(cluster, nodeName, 3_600_000)
  }
  /** Its next word may be twice as long in coming as it says. */
  const agentLives = async (cluster: string, nodeName: string, everyMs: number) => {
    const client = members.get(cluster)?.client
    const config = await configOf(cluster, nodeName)
    assert.ok(client && config)
    await renewWord(client, config, everyMs)
  }
  /** What was told on the ClusterNode of a node. */
  const told = async (cluster: string, nodeName: string) => {
    await recorder.flush()
    const node = await root.client.get(clusterNodes, { name: `${cluster}-${nodeName}` })
    const all = await root.client.listAll(events, { namespace: 'default' })
    return all
      .filter(({ regarding }) => regarding?.uid === node?.metadata.uid)
      .map(({ reason, note }) => `${reason}: ${note}`)
  }
  const linked = async (cluster: string) =>
    (await root.client.get(clusters, { name: cluster }))?.status?.conditions?.find(({ type }) => type === 'Linked')

  before(async () => {
    const [first, ...others] = await Promise.all(['root', 'a', 'b'].map(start))
    assert.ok(first)
    root = first
    for (const [index, name] of ['a', 'b'].entries()) members.set(name, others[index] as Live)
    // As by an install of before there were ClusterLinkPolicies.
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
      await must(client.create(namespaces, { metadata: { name: 'kosmos-link' } }))
    }
    await addNode('a', node('a1', '172.30.0.11', '10.1.1.0/24'))
    await addNode('a', node('a2', '172.30.0.12', '10.1.2.0/24'))
    await addNode('b', node('b1', '172.30.0.21', '10.2.1.0/24'))
    recorder = new EventRecorder({ client: root.client, controller: 'kosmos.io/test' })
    const link = new ClusterLink({
      root: root.client,
      log: () => undefined,
      metrics: createProcessMetrics(),
      record: recorder.record.bind(recorder),
    })
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

  it('name both nodes that have one key, on the Clusters of both, until one has another', async () => {
    const both = /: a2 of a and b1 of b$/
    const isSaid = async (cluster: string) => {
      const { reason, message = '' } = (await linked(cluster)) ?? {}
      return reason === 'KeysShared' && both.test(message)
    }
    const publicKey = Buffer.from('b1'.padEnd(32, '.')).toString('base64')
    await agentSays('a', 'a2', { wireGuard: { publicKey, implementation: 'kernel' } })
    for (const cluster of ['a', 'b']) await eventually(`it is said on ${cluster}`, () => isSaid(cluster))
    await agentSays('a', 'a2', { wireGuard: null as never })
    for (const cluster of ['a', 'b']) {
      await eventually(
        `it is said on ${cluster} no longer`,
        async () => (await linked(cluster))?.reason !== 'KeysShared',
      )
    }
  })

  it('have a node change its keys when that is asked for: first the others know the next ones, then it uses them', async () => {
    const keyOf = (text: string) => Buffer.from(text.padEnd(32, '.')).toString('base64')
    const configured = async (cluster: string, nodeName: string) => {
      const { spec, metadata } = (await configOf(cluster, nodeName)) ?? {}
      return { ...spec, generation: metadata?.generation ?? 0 }
    }
    const demand = { metadata: { annotations: { [rotateKeysAnnotation]: '2026-11-29T12:00:00Z' } } }
    await must(root.client.patch(clusterNodes, { name: 'b-b1' }, demand, { type: 'merge' }))
    const asked = await eventually('b1 is asked', async () => (await configured('b', 'b1')).keys)
    assert.deepEqual(asked, { requestedAt: '2026-11-29T12:00:00.000Z' })
    const next = { ...asked, wireGuard: keyOf('b1 next'), ipsec: 'bmV4dA==' }
    await agentSays('b', 'b1', { keys: { next } })
    await eventually('a1 is told of the next key', async () => {
      const { peers: [peer] = [] } = await configured('a', 'a1')
      return peer?.publicKey === keyOf('b1') && peer.nextPublicKey === next.wireGuard
    })
    assert.equal((await configured('b', 'b1')).keys?.use, undefined, 'a1 has not applied it')
    await agentSays('a', 'a1', { observedGeneration: (await configured('a', 'a1')).generation })
    const { use } = await eventually('b1 may use it', async () => {
      const { keys } = await configured('b', 'b1')
      return keys?.use ? keys : undefined
    })
    assert.equal(use, next.wireGuard)
    const said = {
      wireGuard: { publicKey: next.wireGuard, implementation: 'kernel' as const },
      keys: { requestedAt: asked.requestedAt, next: null as never },
    }
    await agentSays('b', 'b1', said)
    await eventually('a1 knows no other key any more', async () => {
      const { peers: [peer] = [] } = await configured('a', 'a1')
      return peer?.publicKey === next.wireGuard && peer.nextPublicKey === undefined
    })
    const { spec } = (await root.client.get(clusterNodes, { name: 'b-b1' })) ?? {}
    assert.equal(spec?.keysRequestedAt, asked.requestedAt)
    assert.equal((await configured('a', 'a1')).keys, undefined, 'nobody else is asked')
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

    await options('b', { endpoints: { b1: '203.0.113.7:40000' } })
    const [{ remote: outside, remotePort } = {}] = await eventually('a1 calls b1 where the Cluster says', async () => {
      const peers = (await configOf('a', 'a1'))?.spec.ipsecPeers
      return peers?.[0]?.remotePort === undefined ? undefined : peers
    })
    assert.deepEqual([outside, remotePort], ['203.0.113.7', 40_000])
    assert.equal((await root.client.get(clusterNodes, { name: 'b-b1' }))?.spec.endpoint, '203.0.113.7:40000')
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
    for (const name of roles) {
      await eventually(`${name} is told`, async () =>
        (await told('a', name)).includes('GatewayElected: the node is a gateway of a now'),
      )
    }
    assert.ok(!(await told('a', inner)).some((one) => one.startsWith('Gateway')))
    await eventually('b1 has tunnels to the gateways only', async () => {
      const fdbs = (await configOf('b', 'b1'))?.spec.fdbs
      return fdbs?.length === 2
    })
  })

  it('leave it to gateways to translate as long as an agent is of an earlier version, and where they do already', async () => {
    const nodesOfA = (await root.client.listAll(clusterNodes)).filter(({ spec }) => spec.clusterName === 'a')
    const inner = nodesOfA.find(({ spec }) => !spec.roles?.includes('gateway'))?.spec
    const [local = ''] = inner?.podCIDRs ?? []
    const specOf = async () => (await configOf('a', inner?.nodeName ?? ''))?.spec
    await options('a', { globalCIDRsMap: { [local]: '100.64.1.0/24' } })
    await eventually('the node translates', async () => (await specOf())?.nodeTranslations?.length === 1)
    const conditions = [{ ...nodeConfigCondition('Applied', 'Applied'), lastTransitionTime: '2026-11-29T12:00:00Z' }]
    await agentSays('a', 'a1', { conditions })
    await eventually('gateways do', async () => {
      const spec = await specOf()
      return spec?.translations?.length && spec.nodeTranslations === undefined
    })
    await agentSays('a', 'a1', { conditions, abilities: ['NodeTranslations'] })
    await options('a', { globalCIDRsMap: { [local]: '100.64.2.0/24' } })
    const again = await eventually('the node translates what is new', async () => {
      const spec = await specOf()
      return spec?.translations?.some(({ global }) => global === '100.64.2.0/24') ? spec.nodeTranslations : undefined
    })
    assert.deepEqual(again, [{ local, global: '100.64.2.0/24', kind: 'Pod' }])
    await must(
      root.client.patch(
        clusters,
        { name: 'a' },
        { spec: { clusterLinkOptions: { globalCIDRsMap: null } } },
        { type: 'merge' },
      ),
    )
    await eventually('nothing is translated', async () => (await specOf())?.nodeTranslations === undefined)
  })

  it('go on without policies in a root that does not know the kind, say so, and take it up when it is there', async () => {
    const said = async (reason: string) =>
      await Promise.all(
        ['a', 'b'].map((name) =>
          eventually(`${reason} on ${name}`, async () => {
            const { conditions = [] } = (await root.client.get(clusters, { name }))?.status ?? {}
            const found = conditions.find(({ type }) => type === 'PoliciesFollowed')
            return found?.reason === reason ? found : undefined
          }),
        ),
      )
    for (const { status, message } of await said('KindMissing')) {
      assert.equal(status, 'False')
      assert.match(message, /run kosmosctl install again/)
    }
    const kind = customResourceDefinition(clusterLinkPolicyKind) as unknown as KubeObject
    await must(root.client.apply(customResourceDefinitions, kind))
    await said('PoliciesFollowed')
  })

  it('keep two clusters apart that a ClusterLinkPolicy does not let talk, and say whom it is for', async () => {
    const policy = {
      metadata: { name: 'b-alone' },
      spec: { clusters: { labelSelector: { matchLabels: { env: 'test' } } }, peers: [{ names: ['c'] }] },
    }
    const conditionOf = async (reason: string) =>
      await eventually(reason, async () => {
        const { status } = (await root.client.get(clusterLinkPolicies, { name: 'b-alone' })) ?? {}
        const condition = status?.conditions?.find(({ type }) => type === 'ClustersFound')
        return condition?.reason === reason ? { ...status, message: condition.message } : undefined
      })
    const waysIn = async (cluster: string, nodeName: string) => (await configOf(cluster, nodeName))?.spec.devices
    // A kind that is new may be served, and not, and served again.
    await eventually('it is taken', () =>
      root.client.create(clusterLinkPolicies, policy as never).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    const { message } = await conditionOf('NameUnknown')
    assert.match(message, /: c$/)
    assert.ok(await waysIn('b', 'b1'), 'it is for nobody yet')
    await must(root.client.patch(clusters, { name: 'b' }, { metadata: { labels: { env: 'test' } } }, { type: 'merge' }))
    await eventually('neither has a way to the other', async () => {
      const found = await Promise.all([waysIn('a', 'a1'), waysIn('a', 'a2'), waysIn('b', 'b1')])
      return found.every((devices) => devices === undefined)
    })
    const clusterOf = await eventually('its status names b', async () => {
      const { status } = (await root.client.get(clusterLinkPolicies, { name: 'b-alone' })) ?? {}
      return status?.clusters?.length ? status.clusters : undefined
    })
    assert.deepEqual(clusterOf, ['b'])
    await must(root.client.delete(clusterLinkPolicies, { name: 'b-alone' }))
    await eventually('they have again', async () => (await waysIn('a', 'a1')) && (await waysIn('b', 'b1')))
  })

  it('know nothing of policies that the root does not let them read, until it does', async () => {
    const account = { namespace: 'kosmos-system', name: 'restricted' }
    await must(root.client.create(serviceAccounts, { metadata: account }))
    const reader = await connectAs(root, account)
    const policies = new RootPolicies(reader, () => undefined)
    let isSynced = false
    void policies.synced.then(() => {
      isSynced = true
    })
    const leave = new AbortController()
    const following = policies.run(leave.signal)
    await policies.settled
    assert.equal(policies.state, 'RightsMissing')
    assert.ok(!isSynced)
    const metadata = { name: 'policies' }
    const rules = [{ apiGroups: ['kosmos.io'], resources: ['clusterlinkpolicies'], verbs: ['list', 'watch'] }]
    await must(root.client.create(clusterRoles, { metadata, ...{ rules } }))
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'policies' }
    const subjects = [{ kind: 'ServiceAccount', ...account }]
    await must(root.client.create(clusterRoleBindings, { metadata, ...{ roleRef, subjects } }))
    await policies.synced
    assert.equal(policies.state, 'PoliciesFollowed')
    leave.abort()
    await following
    await reader.connection.close()
  })

  it('take no ClusterLinkPolicy that nobody can understand', async () => {
    const refused = async (spec: object) => {
      const outcome = await root.client.create(clusterLinkPolicies, { metadata: { name: 'wrong' }, spec } as never)
      assert.ok(!outcome.ok)
      return outcome.status.message ?? ''
    }
    const byBoth = { names: ['a'], labelSelector: {} }
    assert.match(await refused({ clusters: byBoth }), /by names or by labelSelector, not by both/)
    assert.match(await refused({ clusters: {}, peers: [{ names: [] }] }), /names must have at least one name/)
    assert.match(await refused({ clusters: { names: ['Not a name'] } }), /spec\.clusters\.names\[0\]/)
    assert.match(await refused({ peers: [] }), /spec\.clusters: Required/)
  })

  it('tell on the ClusterNode who stops to answer, and what the agent could not do, until it is well again', async () => {
    const [gw = ''] = (await configOf('b', 'b1'))?.spec.routes?.flatMap(({ gw = [] }) => gw) ?? []
    const at = new Date().toISOString()
    const says = async (reachable: boolean, why: 'ApplyFailed' | 'PortTaken' = 'ApplyFailed') => {
      const hop = { address: gw, reachable, since: at, lastProbeTime: at }
      const conditions = [nodeConfigCondition('Applied', reachable ? 'Applied' : why, { detail: 'no' })]
      await agentSays('b', 'b1', {
        conditions: conditions.map((one) => ({ ...one, lastTransitionTime: at })),
        nextHops: [hop],
      })
    }
    const toldOf = (pattern: RegExp) =>
      eventually(`${pattern} is told`, async () => (await told('b', 'b1')).find((one) => pattern.test(one)))
    await says(true)
    await toldOf(/^Applied: /)
    await says(false)
    await toldOf(/^NotApplied: ApplyFailed: .*: no$/)
    await toldOf(/^NextHopSilent: a\/a\d does not answer/)
    assert.ok(!(await told('b', 'b1')).some((one) => one.startsWith('NextHopAnswers')))
    await says(false, 'PortTaken')
    await toldOf(/^NotApplied: PortTaken: .*: no$/)
    const shown = (await root.client.get(clusterNodes, { name: 'b-b1' }))?.status?.conditions ?? []
    assert.equal(shown.find(({ type }) => type === 'Applied')?.reason, 'PortTaken')
    await says(true)
    await toldOf(/^NextHopAnswers: a\/a\d answers/)
  })

  it('say that nobody knows how a node does whose agent is silent, until it is heard again', async () => {
    const applied = async () =>
      (await root.client.get(clusterNodes, { name: 'b-b1' }))?.status?.conditions?.find(
        ({ type }) => type === 'Applied',
      )
    await eventually('b1 is well', async () => (await applied())?.status === 'True')
    await agentLives('b', 'b1', 500)
    const silent = await eventually('b1 is unknown', async () => {
      const found = await applied()
      return found?.reason === 'AgentSilent' ? found : undefined
    })
    assert.equal(silent.status, 'Unknown')
    assert.match(silent.message, /: last word 20\S+Z, by the clock of the root$/)
    const said = await eventually('b is unknown', async () => {
      const found = await linked('b')
      return found?.reason === 'AgentsSilent' ? found : undefined
    })
    assert.deepEqual([said.status, said.message.split(': ').at(-1)], ['Unknown', 'b1'])
    await eventually('it is told', async () => (await told('b', 'b1')).some((one) => one.startsWith('AgentSilent: ')))
    await agentLives('b', 'b1', 3_600_000)
    await eventually('b1 is well again', async () => (await applied())?.status === 'True')
    await eventually('so is b', async () => (await linked('b'))?.reason === 'Linked')
  })

  it('say on the ClusterNode that its clock is not in step with that of the root, while it is not', async () => {
    const client = members.get('b')?.client
    assert.ok(client)
    const clock = async () =>
      (await root.client.get(clusterNodes, { name: 'b-b1' }))?.status?.conditions?.find(
        ({ type }) => type === 'ClockRight',
      )
    const renewals = async (aheadMs: number) => {
      for (const n of [0, 1]) {
        const renewTime = new Date(Date.now() + aheadMs + n).toISOString().replace('Z', '000Z')
        const name = { namespace: 'kosmos-link', name: 'b1' }
        assert.ok((await client.patch(leases, name, { spec: { renewTime } }, { type: 'merge' })).ok)
      }
    }
    await renewals(-600_000)
    const off = await eventually('it is said', clock)
    assert.deepEqual([off.status, off.reason], ['False', 'ClockOff'])
    assert.match(off.message, /; set both by NTP\..*: behind the root by 60\d s$/)
    await renewals(0)
    await eventually('it is said no longer', async () => (await clock()) === undefined)
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

  it('leave a Cluster out that stands for the same cluster as another one, and name that, until it is gone', async () => {
    const spec = { credentialsSecretRef: { name: 'a' }, clusterLinkOptions: { enable: true } }
    await must(root.client.apply(clusters, { metadata: { name: 'a-again' }, spec } as KubeObject))
    const condition = await eventually('it is said', async () => {
      const found = await linked('a-again')
      return found?.reason === 'ClusterLinkedTwice' ? found : undefined
    })
    assert.match(condition.message, /: a$/)
    assert.ok((await root.client.listAll(clusterNodes)).every(({ spec }) => spec.clusterName !== 'a-again'))
    assert.notEqual((await linked('a'))?.reason, 'ClusterLinkedTwice')
    await root.client.delete(clusters, { name: 'a-again' })
    await eventually('it is gone', async () => (await root.client.get(clusters, { name: 'a-again' })) === undefined)
  })

  it('forget a node that has gone, everywhere', async () => {
    const client = members.get('a')?.client
    await client?.delete(nodes, { name: 'a3' })
    await eventually('a3 is nowhere', async () => {
      const known = await root.client.get(clusterNodes, { name: 'a-a3' })
      return known === undefined && (await configOf('a', 'a3')) === undefined
    })
  })

  it('forget the nodes of a Cluster that went while nobody ran, and those that one joined anew under its name has not', async () => {
    const left = async (cluster: string, nodeName: string, tunnelID: number) => {
      const spec = { clusterName: cluster, nodeName, podCIDRs: ['10.9.9.0/24'], ip: '172.30.0.99', tunnelID }
      return await must(
        root.client.apply(clusterNodes, { metadata: { name: `${cluster}-${nodeName}` }, spec } as never),
      )
    }
    await left('gone', 'g1', 4001)
    await left('b', 'b9', 4002)
    await eventually('neither is there any more', async () => {
      const found = await Promise.all(['gone-g1', 'b-b9'].map((name) => root.client.get(clusterNodes, { name })))
      return found.every((one) => one === undefined)
    })
    assert.ok(await root.client.get(clusterNodes, { name: 'b-b1' }))
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

  it('do nothing in a cluster that another root links already, and name both roots, until that one is gone', async () => {
    const client = members.get('b')?.client
    assert.ok(client)
    const metadata = { name: 'theirs-b1', labels: { 'kosmos.io/root-cluster': 'other', 'kosmos.io/cluster': 'theirs' } }
    await must(client.create(nodeConfigs, { metadata, spec: { nodeName: 'b1' } } as KubeObject))
    await options('b', { enable: true })
    const { status, message } = await eventually('it is said', async () => {
      const found = await linked('b')
      return found?.reason === 'LinkedByOtherRoot' ? found : undefined
    })
    const own = (await root.client.get(namespaces, { name: 'kube-system' }))?.metadata.uid
    assert.equal(status, 'False')
    assert.match(message, new RegExp(`: root other links it, this is root ${own}$`))
    assert.deepEqual(
      (await client.listAll(nodeConfigs)).map(({ metadata }) => metadata.name),
      ['theirs-b1'],
    )
    assert.equal(await root.client.get(clusterNodes, { name: 'b-b1' }), undefined)
    await client.delete(nodeConfigs, { name: 'theirs-b1' })
    const config = await eventually('b is linked', () => configOf('b', 'b1'))
    assert.equal(config.metadata.labels?.['kosmos.io/root-cluster'], own)
  })
})
