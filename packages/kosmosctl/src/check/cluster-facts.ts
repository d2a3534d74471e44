import { type Cluster, clusterLabel } from '@kosmos/api'
import {
  type Client,
  configMaps,
  type KubeObject,
  type Node,
  nodes,
  resource,
  type TokenLife,
  tokenLife,
} from '@kosmos/kube'
import { clockOffsetMs } from '../clusters/clock.ts'
import { openLeaf } from '../clusters/leaf.ts'
import type { Manifest } from '../clusters/resources.ts'
import { serverVersion } from '../clusters/version.ts'
import { deployedManifests } from '../install/deploy-folder.ts'
import { type AddressAnswer, askAddress } from './root-address.ts'
import { type Need, needsOf, type Rule, uncovered } from './rules.ts'
import { tokenIssuer } from './token-issuer.ts'

export interface ClusterFacts {
  readonly now: number
  readonly cluster: Cluster
  readonly virtualNodes: readonly Node[]
  readonly rootVersion: string
  readonly credentials: { readonly life: TokenLife | undefined } | { readonly error: unknown }
  /** What the leaf said to this machine, with the stored credentials. */
  readonly leaf:
    | { readonly version: string; readonly clockOffsetMs: number | undefined; readonly missing: readonly Need[] }
    | { readonly error: unknown }
  /** What is at the address of the root that pods are given; undefined if they are given none. */
  readonly rootAddress: AddressAnswer | undefined
  /** Whom their tokens name as issuer; undefined if they get none, or if we are not told. */
  readonly tokenIssuer: string | undefined
}

interface RulesReview extends KubeObject {
  readonly status: { readonly resourceRules: readonly Rule[] }
}
const rulesReviews = resource<RulesReview>(
  'authorization.k8s.io/v1',
  'SelfSubjectRulesReview',
  'selfsubjectrulesreviews',
  'Cluster',
)

/** Looks at one leaf: from the root's side, and from here with the credentials that the controllers use. */
export async function gatherClusterFacts(root: Client, cluster: Cluster, rootVersion: string): Promise<ClusterFacts> {
  const labelSelector = `${clusterLabel}=${cluster.metadata.name}`
  const virtualNodes = await root.listAll(nodes, { labelSelector })
  const getsTokens = cluster.spec.clusterTreeOptions?.rootAPIServer !== undefined
  const [asked, rootAddress, issuer] = await Promise.all([
    askLeaf(root, cluster),
    askRootAddress(root, cluster),
    getsTokens ? tokenIssuer(root) : undefined,
  ])
  return { now: Date.now(), cluster, virtualNodes, rootVersion, ...asked, rootAddress, tokenIssuer: issuer }
}

async function askRootAddress(root: Client, { spec }: Cluster): Promise<AddressAnswer | undefined> {
  const origin = spec.clusterTreeOptions?.rootAPIServer
  if (origin === undefined) return undefined
  const published = await root.get(configMaps, { namespace: 'kube-system', name: 'kube-root-ca.crt' })
  return await askAddress(origin, published?.data?.['ca.crt'] ?? '')
}

async function askLeaf(root: Client, cluster: Cluster): Promise<Pick<ClusterFacts, 'credentials' | 'leaf'>> {
  let leaf: Awaited<ReturnType<typeof openLeaf>>
  try {
    leaf = await openLeaf(root, cluster)
  } catch (error) {
    return { credentials: { error }, leaf: { error } }
  }
  const credentials = { life: tokenLife(leaf.config.getCurrentUser()?.token ?? '') }
  try {
    const version = await serverVersion(leaf.client, 10_000)
    const [offset, missing] = await Promise.all([clockOffsetMs(leaf.client.connection), missingNeeds(leaf.client)])
    return { credentials, leaf: { version, clockOffsetMs: offset, missing } }
  } catch (error) {
    return { credentials, leaf: { error } }
  } finally {
    await leaf.client.connection.close()
  }
}

/** What of the rights that join grants the credentials do not have (any more). */
async function missingNeeds(leaf: Client): Promise<Need[]> {
  const role = (await deployedManifests('rbac/leaf.yaml')).find(({ kind }) => kind === 'ClusterRole')
  const review: Manifest = { spec: { namespace: 'default' } }
  const outcome = await leaf.create(rulesReviews, review)
  if (!outcome.ok) throw new Error(`leaf: the rights cannot be looked at: ${outcome.status.message}`)
  return uncovered(needsOf(role?.rules as readonly Rule[]), outcome.object.status.resourceRules)
}
