import {
  type ClusterSpec,
  clusterKind,
  clusterLabel,
  type LeafModel,
  rootClusterLabel,
  systemNamespace,
} from '@kosmos/api'
import { type Client, isForbidden, namespaces, nodes } from '@kosmos/kube'
import { clockOffsetMs } from '../clusters/clock.ts'
import type { OpenCluster } from '../clusters/connect.ts'
import { definitionState } from '../clusters/definition-state.ts'
import { clusterId } from '../clusters/identity.ts'
import { clusterRoles, clusters, type Manifest } from '../clusters/resources.ts'
import { describeRight, missingRights, type Right } from '../clusters/rights.ts'
import { serverVersion } from '../clusters/version.ts'
import { skipped, type Verdict } from '../findings/finding.ts'
import { deployedManifests } from '../install/deploy-folder.ts'
import { linkNamespace } from '../link/network/facts.ts'
import type { AskedBy } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import { leafManifests } from './leaf-manifests.ts'
import type { LeafNode, ModelChoice } from './leaf-models.ts'
import { linkedRootManifests } from './linked-root.ts'
import type { LinkChoices } from './root-manifests.ts'

/** A cluster that answered. */
export interface Reached {
  readonly version: string
  readonly id: string
  readonly clockOffsetMs: number | undefined
  readonly missingRights: readonly Right[]
}

/** What was found out about a cluster: what it said, or why it said nothing. */
export interface ClusterFacts<T> {
  readonly server: string
  readonly askedBy?: AskedBy | undefined
  readonly found: (Reached & T) | { readonly error: unknown }
}

export function reached<T>(cluster: ClusterFacts<T>): (Reached & T) | undefined {
  return 'error' in cluster.found ? undefined : cluster.found
}

/** Whether what is to be joined is the root itself. */
export function isRootItself({ root, leaf }: JoinFacts): boolean {
  const id = reached(root)?.id
  return id !== undefined && reached(leaf)?.id === id
}

/** The verdict of a check that depends on a cluster which did not answer. */
export const unknown = (side: string): Verdict => skipped(`not looked at, because the ${side} could not be asked`)

export interface LeafFacts {
  /** The kubeconfig gives up verifying the server's certificate. */
  readonly unverified: boolean
  /** Why the leaf would not store our ClusterRole, or undefined. */
  readonly roleRefusal: string | undefined
  /** Undefined unless what is chosen depends on them. */
  readonly nodes: readonly LeafNode[] | undefined
  /** The id of the root whose agents are there; undefined: there are none, or nobody says whose they are. */
  readonly linkedBy: string | undefined
}

export interface KnownCluster {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly deleting: boolean
  /** Its virtual nodes, as it describes them. */
  readonly leafModels: readonly LeafModel[] | undefined
  /** Whether it has virtual nodes; undefined: it does not say. */
  readonly tree?: boolean | undefined
  /** What it says of ClusterLink, as far as join chooses it. */
  readonly link?: LinkChoices | undefined
}

export interface RootFacts {
  readonly definition: 'current' | 'other' | 'missing'
  readonly clusters: readonly KnownCluster[]
  readonly nodes: readonly RootNode[]
}

export interface RootNode {
  readonly name: string
  /** Whose virtual node it is. */
  readonly cluster: string | undefined
}

export interface JoinFacts {
  readonly name: string
  readonly installCrds: boolean
  /** Address that the controllers will use, if another than in the kubeconfig. */
  readonly serverOverride: string | undefined
  /** Undefined: what the Cluster says already. */
  readonly model: ModelChoice | undefined
  /** Whether the leaf is to be linked. */
  readonly link: boolean
  /** Whether it is to have virtual nodes; undefined: what the Cluster says already. */
  readonly tree: boolean | undefined
  readonly root: ClusterFacts<RootFacts>
  readonly leaf: ClusterFacts<LeafFacts>
}

const namespace = systemNamespace
const rbac = 'rbac.authorization.k8s.io'

const leafRights: readonly Right[] = [
  { verb: 'get', resource: 'namespaces' },
  { verb: 'create', resource: 'namespaces' },
  ...['get', 'create', 'patch'].flatMap((verb) => [
    { verb, resource: 'serviceaccounts', namespace },
    { verb, group: rbac, resource: 'clusterroles' },
    { verb, group: rbac, resource: 'clusterrolebindings' },
    { verb, group: rbac, resource: 'roles', namespace },
    { verb, group: rbac, resource: 'rolebindings', namespace },
  ]),
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token', namespace },
]

const leafNodeRights: readonly Right[] = [{ verb: 'list', resource: 'nodes' }]

const rootRights: readonly Right[] = [
  { verb: 'get', resource: 'namespaces' },
  { verb: 'create', resource: 'namespaces' },
  { verb: 'get', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  { verb: 'list', group: clusterKind.group, resource: clusterKind.plural },
  ...['get', 'create', 'patch'].flatMap((verb) => [
    { verb, resource: 'secrets', namespace },
    { verb, group: clusterKind.group, resource: clusterKind.plural },
  ]),
  { verb: 'list', resource: 'nodes' },
]

/** Looks at both clusters; changes nothing in either. */
export async function gatherFacts(
  root: OpenCluster,
  leaf: OpenCluster,
  options: Pick<JoinFacts, 'name' | 'installCrds' | 'serverOverride' | 'model' | 'link' | 'tree'>,
): Promise<JoinFacts> {
  const rootFacts = await factsOf(root, rootRights, async ({ client }) => await aboutRoot(client))
  const rootId = 'id' in rootFacts.found ? rootFacts.found.id : '00000000-0000'
  const needsNodes = options.model !== undefined && options.model.kind !== 'cluster'
  const rights = [...leafRights, ...(needsNodes ? leafNodeRights : [])]
  const leafFacts = await factsOf(leaf, rights, async ({ client, config }) => ({
    unverified: config.getCurrentCluster()?.skipTLSVerify === true,
    roleRefusal: await roleRefusal(
      client,
      (await clusterId(client)) === rootId
        ? await linkedRootManifests(options.name, rootId)
        : leafManifests(await deployedManifests('rbac/leaf.yaml'), rootId),
    ),
    nodes: needsNodes ? await leafNodes(client) : undefined,
    linkedBy: options.link ? await linkedBy(client) : undefined,
  }))
  return { ...options, root: rootFacts, leaf: leafFacts }
}

async function factsOf<T>(
  cluster: OpenCluster,
  rights: readonly Right[],
  more: (cluster: OpenCluster) => Promise<T>,
): Promise<ClusterFacts<T>> {
  const { client, server, askedBy } = cluster
  try {
    const version = await serverVersion(client)
    const missing = await missingRights(client, rights)
    try {
      const [id, offset, rest] = await Promise.all([clusterId(client), clockOffsetMs(client.connection), more(cluster)])
      return { server, askedBy, found: { version, id, clockOffsetMs: offset, missingRights: missing, ...rest } }
    } catch (error) {
      if (missing.length === 0 || !isForbidden(error)) throw error
      // What was refused is only the first of them.
      throw new Failure(`the credentials may not ${missing.map(describeRight).join(', ')}`, {
        next: 'use a kubeconfig of an administrator, or have these rights granted',
        cause: error,
      })
    }
  } catch (error) {
    return { server, askedBy, found: { error } }
  }
}

async function aboutRoot(client: Client): Promise<RootFacts> {
  const definition = await definitionState(client)
  const known = definition === 'missing' ? [] : await client.listAll(clusters)
  const found = await client.listAll(nodes, { metadataOnly: true })
  return {
    definition,
    nodes: found.map(({ metadata }) => ({ name: metadata.name, cluster: metadata.labels?.[clusterLabel] })),
    clusters: known.map(({ metadata, spec }) => ({
      name: metadata.name,
      annotations: metadata.annotations ?? {},
      deleting: metadata.deletionTimestamp !== undefined,
      leafModels: spec.clusterTreeOptions?.leafModels,
      tree: spec.clusterTreeOptions?.enable,
      link: saidOfLink(spec.clusterLinkOptions),
    })),
  }
}

async function linkedBy(client: Client): Promise<string | undefined> {
  const namespace = await client.get(namespaces, { name: linkNamespace })
  return namespace?.metadata.labels?.[rootClusterLabel]
}

async function leafNodes(client: Client): Promise<LeafNode[]> {
  const found = await client.listAll(nodes, { metadataOnly: true })
  return found.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }))
}

/** RBAC lets nobody grant what he does not have: the only way to know is to try, as a dry run. */
async function roleRefusal(client: Client, manifests: readonly Manifest[]): Promise<string | undefined> {
  const role = manifests.find(({ kind }) => kind === 'ClusterRole')
  if (role?.metadata?.name === undefined) return undefined
  const existing = await client.get(clusterRoles, { name: role.metadata.name })
  const label = role.metadata.labels?.[rootClusterLabel]
  if (existing !== undefined && existing.metadata.labels?.[rootClusterLabel] !== label) {
    return `ClusterRole ${role.metadata.name} exists and was not made for this root`
  }
  const outcome = await client.apply(clusterRoles, role, { dryRun: true })
  return outcome.ok ? undefined : (outcome.status.message ?? outcome.reason)
}

function saidOfLink(options: ClusterSpec['clusterLinkOptions']): LinkChoices | undefined {
  if (options === undefined) return undefined
  const { enable, networkType, tunnel, ipFamily } = options
  return {
    ...(enable !== undefined && { enable }),
    ...(networkType && { networkType }),
    ...(tunnel && { tunnel }),
    ...(ipFamily && { ipFamily }),
  }
}
