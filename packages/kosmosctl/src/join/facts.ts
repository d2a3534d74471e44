import { clusterKind, rootClusterLabel, systemNamespace } from '@kosmos/api'
import { ApiError, type Client } from '@kosmos/kube'
import { clockOffsetMs } from '../clusters/clock.ts'
import type { OpenCluster } from '../clusters/connect.ts'
import { definitionState } from '../clusters/definition-state.ts'
import { clusterId } from '../clusters/identity.ts'
import { clusterRoles, clusters, type Manifest } from '../clusters/resources.ts'
import { describeRight, missingRights, type Right } from '../clusters/rights.ts'
import { serverVersion } from '../clusters/version.ts'
import { deployedManifests } from '../install/deploy-folder.ts'
import { Failure } from '../terminal/failure.ts'
import { leafManifests } from './leaf-manifests.ts'

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
  readonly found: (Reached & T) | { readonly error: unknown }
}

export interface LeafFacts {
  /** The kubeconfig gives up verifying the server's certificate. */
  readonly unverified: boolean
  /** Why the leaf would not store our ClusterRole, or undefined. */
  readonly roleRefusal: string | undefined
}

export interface KnownCluster {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly deleting: boolean
}

export interface RootFacts {
  readonly definition: 'current' | 'other' | 'missing'
  readonly clusters: readonly KnownCluster[]
}

export interface JoinFacts {
  readonly name: string
  readonly installCrds: boolean
  /** Address that the controllers will use, if another than in the kubeconfig. */
  readonly serverOverride: string | undefined
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
  options: Pick<JoinFacts, 'name' | 'installCrds' | 'serverOverride'>,
): Promise<JoinFacts> {
  const rootFacts = await factsOf(root, rootRights, async ({ client }) => await aboutRoot(client))
  const rootId = 'id' in rootFacts.found ? rootFacts.found.id : '00000000-0000'
  const leafFacts = await factsOf(leaf, leafRights, async ({ client, config }) => ({
    unverified: config.getCurrentCluster()?.skipTLSVerify === true,
    roleRefusal: await roleRefusal(client, leafManifests(await deployedManifests('rbac/leaf.yaml'), rootId)),
  }))
  return { ...options, root: rootFacts, leaf: leafFacts }
}

async function factsOf<T>(
  cluster: OpenCluster,
  rights: readonly Right[],
  more: (cluster: OpenCluster) => Promise<T>,
): Promise<ClusterFacts<T>> {
  const { client, server } = cluster
  try {
    const version = await serverVersion(client)
    const missing = await missingRights(client, rights)
    try {
      const [id, offset, rest] = await Promise.all([clusterId(client), clockOffsetMs(client.connection), more(cluster)])
      return { server, found: { version, id, clockOffsetMs: offset, missingRights: missing, ...rest } }
    } catch (error) {
      if (missing.length === 0 || !isForbidden(error)) throw error
      // What was refused is only the first of them.
      throw new Failure(`the credentials may not ${missing.map(describeRight).join(', ')}`, {
        next: 'use a kubeconfig of an administrator, or have these rights granted',
        cause: error,
      })
    }
  } catch (error) {
    return { server, found: { error } }
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.code === 403
}

async function aboutRoot(client: Client): Promise<RootFacts> {
  const definition = await definitionState(client)
  const known = definition === 'missing' ? [] : await client.listAll(clusters)
  return {
    definition,
    clusters: known.map(({ metadata }) => ({
      name: metadata.name,
      annotations: metadata.annotations ?? {},
      deleting: metadata.deletionTimestamp !== undefined,
    })),
  }
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
