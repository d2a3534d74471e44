import { hasClusterLink, isRootCluster, systemNamespace } from '@kosmos/api'
import {
  clusterLinkPolicies,
  clusterNodes,
  type LinkNetwork,
  linkNetwork,
  nodeConfigs,
  type StoredClusterNode,
  type StoredLinkPolicy,
  type StoredNodeConfig,
  serviceExports,
  serviceImports,
} from '@kosmos/cluster-link'
import {
  type Client,
  clusters,
  configMaps,
  isForbidden,
  type KubeConfigSource,
  type KubeObject,
  nodes as kubernetesNodes,
  leases,
  type Pod,
  pods,
  type StoredCluster,
  servedResource,
} from '@kosmos/kube'
import { openCluster } from '../../clusters/connect.ts'
import { openLeaf } from '../../clusters/leaf.ts'
import { serverVersion } from '../../clusters/version.ts'
import { type InstalledController, installedController } from '../../findings/idle-controller.ts'
import { explain } from '../../terminal/explain.ts'
import { Failure } from '../../terminal/failure.ts'

export const linkNamespace = 'kosmos-link'
const agentSelector = 'app.kubernetes.io/name=link-agent'

/** What a linked cluster has itself. */
export interface Inside {
  readonly version: string
  readonly configs: readonly StoredNodeConfig[]
  /** The agents' pods; undefined: they may not be listed. */
  readonly agents: readonly Pod[] | undefined
  readonly services: SharedServices
  /** Versions of the kernels of its nodes, by their names; undefined: nodes may not be listed. */
  readonly kernels: ReadonlyMap<string, string> | undefined
}

/** What a linked cluster has of the Services of others. */
export interface SharedServices {
  /** Whether it knows ServiceExport and ServiceImport. */
  readonly areKnown: boolean
  /** Undefined: that may not be read. */
  readonly imported: number | undefined
  /** All that configures its CoreDNS; undefined: that may not be read, or is elsewhere. */
  readonly corefile: string | undefined
}

export interface LinkedCluster {
  readonly name: string
  readonly cluster: StoredCluster
  readonly nodes: readonly StoredClusterNode[]
  /** Or why it could not be asked. */
  readonly inside: Inside | { readonly error: string }
}

export interface LinkFacts {
  readonly now: number
  /** Of the root's Kubernetes. */
  readonly rootVersion: string
  /** When the controller that leads said so last, in milliseconds since 1970. */
  readonly controllerSeen: number | undefined
  /** Undefined: who asks may not know. */
  readonly controller: InstalledController | undefined
  readonly clusters: readonly LinkedCluster[]
  readonly policies: readonly StoredLinkPolicy[]
  readonly network: LinkNetwork
}

/** Kubeconfigs for clusters that are not to be asked with the credentials in the root. */
export type OwnKubeconfigs = ReadonlyMap<string, KubeConfigSource>

/** A cluster that is open as long as the work goes on. */
export type OpenMember = (cluster: StoredCluster, work: (client: Client) => Promise<void>) => Promise<void>

/** Does something in a linked cluster, by a kubeconfig of one's own, or by the credentials that the root has of it. */
export function membersOf(root: Client, own: OwnKubeconfigs): OpenMember {
  return async (cluster, work) => {
    const source = own.get(cluster.metadata.name)
    if (source === undefined && isRootCluster(cluster)) return await work(root)
    const { client } = source ? await openCluster(cluster.metadata.name, source) : await openLeaf(root, cluster)
    try {
      await work(client)
    } finally {
      await client.connection.close()
    }
  }
}

/** Looks at the root and into every linked cluster. A cluster that does not answer is no failure. */
export async function gatherLinkFacts(root: Client, open: OpenMember): Promise<LinkFacts> {
  const linked = (await root.listAll(clusters)).filter(hasClusterLink)
  if (linked.length === 0) {
    throw noClusterIsLinked()
  }
  const [nodes, policies, rootVersion, lease, controller] = await Promise.all([
    root.listAll(clusterNodes),
    listPolicies(root),
    serverVersion(root),
    root.get(leases, { namespace: systemNamespace, name: 'cluster-link' }),
    installedController(root, 'clusterlink').catch(unlessForbidden),
  ])
  const nodesOf = (name: string) => nodes.filter(({ spec }) => spec.clusterName === name)
  const seen = Date.parse(String(lease?.spec?.renewTime ?? ''))
  return {
    now: Date.now(),
    rootVersion,
    controllerSeen: Number.isNaN(seen) ? undefined : seen,
    controller,
    clusters: await Promise.all(
      linked.map(async (cluster) => {
        const { name } = cluster.metadata
        return { name, cluster, nodes: nodesOf(name), inside: await lookInside(cluster, open) }
      }),
    ),
    policies,
    network: linkNetwork(linked, nodesOf, policies),
  }
}

function unlessForbidden(error: unknown): undefined {
  if (!isForbidden(error)) throw error
}

/** A root of an older version does not know them. */
async function listPolicies(root: Client): Promise<readonly StoredLinkPolicy[]> {
  return (await servedResource(root, [clusterLinkPolicies])) ? await root.listAll(clusterLinkPolicies) : []
}

async function lookInside(cluster: StoredCluster, open: OpenMember): Promise<LinkedCluster['inside']> {
  let inside: LinkedCluster['inside'] = { error: 'it was not asked' }
  try {
    await open(cluster, async (client) => {
      const [version, configs, agents, services, kernels] = await Promise.all([
        serverVersion(client),
        client.listAll(nodeConfigs, { labelSelector: `kosmos.io/cluster=${cluster.metadata.name}` }),
        client.listAll(pods, { namespace: linkNamespace, labelSelector: agentSelector }).catch(() => undefined),
        sharedServices(client),
        kernelsOf(client).catch(() => undefined),
      ])
      inside = { version, configs, agents, services, kernels }
    })
  } catch (error) {
    inside = { error: explain(error).message }
  }
  return inside
}

async function kernelsOf(client: Client): Promise<Map<string, string>> {
  const all = await client.listAll(kubernetesNodes)
  return new Map(all.map(({ metadata, status }) => [metadata.name, status?.nodeInfo?.kernelVersion ?? '']))
}

async function sharedServices(client: Client): Promise<SharedServices> {
  const kinds = [serviceExports, serviceImports]
  const served = await Promise.all(kinds.map((kind) => servedResource<KubeObject>(client, [kind])))
  const areKnown = served.every((kind) => kind !== undefined)
  const dataOf = async (name: string) => (await client.get(configMaps, { namespace: 'kube-system', name }))?.data ?? {}
  const [imports, corefile] = await Promise.all([
    areKnown ? client.listAll(serviceImports, { metadataOnly: true }).catch(() => undefined) : [],
    Promise.all(['coredns', 'coredns-custom'].map(dataOf)).then(
      (all) => all.flatMap((data) => Object.values(data)).join('\n') || undefined,
      () => undefined,
    ),
  ])
  return { areKnown, imported: imports?.length, corefile }
}

export const noClusterIsLinked = () =>
  new Failure('no cluster is linked', { next: 'kosmosctl join NAME --kubeconfig FILE --link links one' })
