import { readFile } from 'node:fs/promises'
import {
  clusterKind,
  clusterLinkPolicyKind,
  clusterNodeKind,
  clusterRoleAnnotation,
  customResourceDefinition,
  type NodeConfigStatus,
  nodeConfigKind,
  rootClusterRole,
  systemNamespace,
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
  type Outcome,
  secrets,
} from '@kosmos/kube'
import { createProcessMetrics } from '@kosmos/kube/process'
import { type FaultProxy, startControlPlane, startFaultProxy } from '@kosmos/testbed'
import { load } from 'js-yaml'
import { ClusterLink } from '../cluster-link.ts'
import { nodeConfigs } from '../control/resources.ts'

export interface LinkedCluster {
  readonly name: string
  readonly client: Client
  /** The way by which ClusterLink reaches it; the root it reaches directly. */
  readonly proxy: FaultProxy | undefined
}

/** Linked API servers, one of which is the root, and the controllers of ClusterLink as often as they are started. */
export interface LinkedClusters {
  readonly root: LinkedCluster
  of(name: string): LinkedCluster
  start(): void
  stop(): Promise<void>
  /** What the agent of the only node of a cluster says of the next hops that it has. */
  agentSays(cluster: string, reachable: boolean): Promise<void>
  end(): Promise<void>
}

export async function must<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome
  if (answer.ok) return answer.object
  throw new Error(JSON.stringify(answer.status))
}

export async function eventually<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/**
 * `podCIDRs` of each cluster by name; the first one is the root.
 * @param serviceCIDRs the networks of Services, of clusters that have others than the usual one; with commas
 */
export async function startLinkedClusters(
  podCIDRs: Readonly<Record<string, string>>,
  serviceCIDRs: Readonly<Record<string, string>> = {},
): Promise<LinkedClusters> {
  const names = Object.keys(podCIDRs)
  const start = (name: string) => {
    const range = serviceCIDRs[name]
    return startControlPlane({ name, ...(range && { apiServerFlags: { 'service-cluster-ip-range': range } }) })
  }
  const planes = new Map(await Promise.all(names.map(async (name) => [name, await start(name)] as const)))
  const members = new Map<string, LinkedCluster>()
  for (const [index, [name, plane]] of [...planes].entries()) {
    const client = await connect(name, plane.kubeconfig)
    const proxy = index === 0 ? undefined : await startFaultProxy({ target: plane })
    members.set(name, { name, client, proxy })
    await prepare(client, podCIDRs[name] ?? '', index)
  }
  const root = [...members.values()][0] as LinkedCluster
  await must(root.client.create(namespaces, { metadata: { name: systemNamespace } }))
  for (const { name, proxy } of members.values()) await join(root.client, name, proxy)
  let stop = new AbortController()
  let running: Promise<void> | undefined
  return {
    root,
    of: (name) => members.get(name) as LinkedCluster,
    start: () => {
      stop = new AbortController()
      const ignore = () => undefined
      const options = { log: ignore, record: ignore, metrics: createProcessMetrics() }
      running = connect('root', planes.get(root.name)?.kubeconfig ?? '').then(async (client) => {
        await new ClusterLink({ root: client, ...options }).run(stop.signal)
        await client.connection.close()
      })
    },
    stop: async () => {
      stop.abort()
      await running
    },
    agentSays: async (cluster, reachable) => {
      const { client } = members.get(cluster) as LinkedCluster
      const name = `${cluster}-${cluster}1`
      const config = await eventually('a plan', async () => {
        const found = await client.get(nodeConfigs, { name })
        return found?.spec.routes ? found : undefined
      })
      const time = new Date().toISOString()
      const hops = new Set(config.spec.routes?.flatMap(({ gw }) => gw ?? []))
      const status: NodeConfigStatus = {
        nextHops: [...hops].map((address) => ({ address, reachable, since: time, lastProbeTime: time })),
      }
      await must(client.patch(nodeConfigs, { name }, { status }, { type: 'merge', subresource: 'status' }))
    },
    end: async () => {
      stop.abort()
      await running
      for (const { client, proxy } of members.values()) {
        await client.connection.close()
        await proxy?.close()
      }
      for (const plane of planes.values()) await plane.stop()
    },
  }
}

async function connect(name: string, kubeconfig: string): Promise<Client> {
  return new Client(new Connection(name, await createTransport(loadKubeConfig({ file: kubeconfig }))), 'kosmos-test')
}

/** The kinds that join installs, those of Services not in the root, and one node that is ready. */
async function prepare(client: Client, podCIDR: string, index: number): Promise<void> {
  const kinds = [nodeConfigKind, ...(index === 0 ? [clusterKind, clusterLinkPolicyKind, clusterNodeKind] : [])]
  for (const kind of kinds) {
    await must(client.apply(customResourceDefinitions, customResourceDefinition(kind) as unknown as KubeObject))
  }
  if (index > 0) await shareServices(client)
  const name = `${client.name}1`
  const status = {
    addresses: [{ type: 'InternalIP', address: `172.30.0.1${index}` }],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Test', message: '' }],
  }
  await must(client.create(nodes, { metadata: { name }, spec: { podCIDR, podCIDRs: [podCIDR] } } as KubeObject))
  await must(client.patch(nodes, { name }, { status }, { type: 'merge', subresource: 'status' }))
}

/** The kinds of the Multi-Cluster Services API. */
export async function shareServices(client: Client): Promise<void> {
  for (const kind of ['serviceexports', 'serviceimports']) {
    const definition = load(await readFile(mcsFolder(`multicluster.x-k8s.io_${kind}.yaml`), 'utf8'))
    await must(client.apply(customResourceDefinitions, definition as KubeObject))
  }
}

const mcsFolder = (file: string) => new URL(`../../../../deploy/mcs/${file}`, import.meta.url)

async function join(root: Client, name: string, proxy: FaultProxy | undefined): Promise<void> {
  const kubeconfig = proxy && (await readFile(proxy.kubeconfig)).toString('base64')
  const secret = { metadata: { name, namespace: systemNamespace }, data: { kubeconfig } }
  if (kubeconfig) await must(root.create(secrets, secret as KubeObject))
  const annotations = proxy ? {} : { [clusterRoleAnnotation]: rootClusterRole }
  const spec = {
    ...(proxy && { credentialsSecretRef: { name } }),
    clusterLinkOptions: { enable: true },
  }
  await eventually('the kind is served', async () => {
    const outcome = await root
      .apply(clusters, { metadata: { name, annotations }, spec } as KubeObject)
      .catch(() => undefined)
    return outcome?.ok
  })
}
