import { clusterLabel, rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import { claimsOf, type Delivery, deliveriesTo, isCopiedService, privateName, references } from '@kosmos/cluster-tree'
import {
  ApiError,
  type Client,
  ClusterUnreachable,
  configMaps,
  type KubeObject,
  keyOf,
  type Pod,
  persistentVolumeClaims,
  pods,
  type Resource,
  secrets,
  services,
} from '@kosmos/kube'
import { type Candidate, explainNodes, type Objection, type World, workloadPolicies } from '@kosmos/scheduler'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { clusters } from '../clusters/resources.ts'
import { reachesIn, readClaimsOf } from '../placement/claims.ts'
import { meaningOf } from '../placement/outcome.ts'
import type { Unread } from '../placement/reading.ts'
import { readWorld } from '../placement/world.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import { hasApiAccess, type Need, stateInLeaf, waitsFor } from './needs.ts'
import { placedBy } from './placed-by.ts'
import { whyUnplaced } from './unplaced.ts'

/** Where a pod of the root is, what it needs, and what it waits for. */
export interface PodExplanation {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string; readonly phase: string }
  /** Undefined while the pod is not bound. */
  readonly node: string | undefined
  /** The Cluster that the node stands for; undefined of a node of the root itself, and where nodes could not be read. */
  readonly cluster: string | undefined
  /** The copy in the leaf. */
  readonly copy: { readonly uid: string; readonly phase: string; readonly node: string | undefined } | undefined
  readonly needs: readonly Need[]
  /** Why it is where it is, a sentence each: who has placed it. */
  readonly placedBy: readonly string[]
  /** What the scheduler would decide if it were made anew now, as a predicate; undefined: that depends on what could not be read. */
  readonly madeAnew: string | undefined
  /** The nodes that would take it then, the best first if no share decides. */
  readonly candidates: readonly Candidate[]
  /** Which rule is against the others, or says that they have no room. */
  readonly objections: readonly Objection[]
  /** A sentence each; empty when nothing is in the way. */
  readonly waitsFor: readonly string[]
  /** What could not be read. What depends on it is left out: candidates and objections, the copy and needs. */
  readonly unread: readonly Unread[]
}

/**
 * Looks in the root and, by the credentials that it holds, in the leaf, as far as the rights of the caller reach; changes nothing.
 * @throws Failure if there is no such pod
 */
export async function explainPod(root: Client, ref: { namespace: string; name: string }): Promise<PodExplanation> {
  const pod = await root.get(pods, ref)
  if (!pod) {
    throw new Failure(`the root has no pod ${ref.namespace}/${ref.name}`, { next: 'kosmosctl get pods -A lists them' })
  }
  const { phase = '', reason, message } = pod.status ?? {}
  const claims = await readClaimsOf(root, [pod])
  const known = await readWorld(root, ref.namespace)
  const seen = { ...known, world: { ...known.world, reaches: reachesIn(claims) } }
  const unread = [...known.unread, ...claims.unread]
  const arePoliciesKnown = unread.every(({ what }) => what !== workloadPolicies.plural)
  const { nodeName: node } = pod.spec
  const about = {
    pod: { ...ref, uid: pod.metadata.uid, phase },
    node,
    placedBy: placedBy(pod, arePoliciesKnown ? seen.world.policies : undefined),
    ...(seen.decides ? nodesFor(seen.world, pod) : { madeAnew: undefined, candidates: [], objections: [] }),
  }
  const cluster = seen.world.nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels?.[clusterLabel]
  const unplaced = whyUnplaced(pod, seen, claims.byPod.get(keyOf(pod)))
  if (cluster === undefined) {
    return { ...about, cluster, copy: undefined, needs: [], waitsFor: unplaced, unread }
  }
  const said = [...(message ? [`${reason ?? phase}: ${message}`] : []), ...unplaced]
  try {
    const { copy, needs } = await lookIntoLeaf(root, cluster, pod)
    return {
      ...about,
      cluster,
      copy,
      needs,
      waitsFor: copy ? said : [...new Set([...said, ...waitsFor(needs)])],
      unread,
    }
  } catch (error) {
    if (![ApiError, ClusterUnreachable, Failure].some((kind) => error instanceof kind)) throw error
    const inLeaf = { what: leafOf(cluster), why: explain(error).message, isOfOthers: false }
    return { ...about, cluster, copy: undefined, needs: [], waitsFor: said, unread: [...unread, inLeaf] }
  }
}

function nodesFor(world: World, pod: Pod): Pick<PodExplanation, 'madeAnew' | 'candidates' | 'objections'> {
  const { decision, ...nodes } = explainNodes(world, pod)
  return { madeAnew: meaningOf(decision), ...nodes }
}

/** What is unread where a leaf could not be looked into. */
export const leafOf = (cluster: string): string => `cluster ${cluster}`

/** @throws Failure if the Cluster is gone, or has no credentials */
async function lookIntoLeaf(root: Client, cluster: string, pod: Pod): Promise<Pick<PodExplanation, 'copy' | 'needs'>> {
  const stored = await root.get(clusters, { name: cluster })
  if (!stored) {
    const node = pod.spec.nodeName
    throw new Failure(`the Cluster "${cluster}" of node ${node} is gone`, {
      next: `join it again under that name, or give up the node with its pods: kubectl delete node ${node}`,
    })
  }
  const { client: leaf } = await openLeaf(root, stored)
  try {
    const sides = { root, leaf, rootId: await clusterId(root) }
    const { namespace, name, uid } = pod.metadata
    const found = await leaf.get(pods, { namespace, name })
    const copy = found?.metadata.annotations?.[rootUidAnnotation] === uid ? found : undefined
    const deliveries = deliveriesTo(pod, hasApiAccess(stored, copy))
    return {
      copy: copy && { uid: copy.metadata.uid, phase: copy.status?.phase ?? '', node: copy.spec.nodeName },
      needs: await needsOf(pod, deliveries, sides),
    }
  } finally {
    await leaf.connection.close()
  }
}

interface Sides {
  readonly root: Client
  readonly leaf: Client
  readonly rootId: string
}

async function needsOf(pod: Pod, deliveries: readonly Delivery[], sides: Sides): Promise<Need[]> {
  const { namespace } = pod.metadata
  const referred = references(pod.spec).map(({ kind, name, optional, usedBy }) =>
    need(sides, kind === 'ConfigMap' ? configMaps : secrets, { namespace, name }, { optional, usedBy }),
  )
  const claims = claimsOf(pod).map((name) =>
    need(sides, persistentVolumeClaims, { namespace, name }, { optional: false, usedBy: [`claim ${name}`] }),
  )
  return [
    ...(await Promise.all([...referred, ...claims])),
    ...(await servicesOf(namespace, sides)),
    ...(await Promise.all(deliveries.map((delivery) => delivered(namespace, delivery, sides)))),
  ]
}

async function need(
  { root, leaf, rootId }: Sides,
  resource: Resource,
  ref: { readonly namespace: string; readonly name: string },
  { optional, usedBy }: Pick<Need, 'optional' | 'usedBy'>,
): Promise<Need> {
  const { namespace, name } = ref
  const read = (client: Client, name: string) => client.getMetadata(resource, { namespace, name })
  const [original, own] = await Promise.all([read(root, name), read(leaf, name)])
  const isTaken = own !== undefined && own.metadata?.labels?.[rootClusterLabel] !== rootId
  const copy = (isTaken && (await read(leaf, privateName(name, rootId)))) || own
  const byVersion = resource !== persistentVolumeClaims
  return {
    kind: resource.kind as Need['kind'],
    name,
    optional,
    usedBy,
    root: original ? 'present' : 'missing',
    leaf: stateInLeaf(original, copy, { rootId, byVersion }),
    ...(copy !== own && { nameInLeaf: privateName(name, rootId) }),
  }
}

async function servicesOf(namespace: string, { root, leaf, rootId }: Sides): Promise<Need[]> {
  const [originals, copies] = await Promise.all([
    root.listAll(services, { namespace, metadataOnly: true }),
    leaf.listAll(services, { namespace, metadataOnly: true }),
  ])
  const byName = new Map(copies.map((copy) => [copy.metadata.name, copy]))
  return originals.filter(isCopiedService).map((original) => ({
    kind: 'Service',
    name: original.metadata.name,
    optional: false,
    usedBy: [],
    root: 'present',
    leaf: stateInLeaf(original, byName.get(original.metadata.name), { rootId, byVersion: true }),
  }))
}

async function delivered(
  namespace: string,
  { kind, resource, name }: Delivery,
  { leaf, rootId }: Sides,
): Promise<Need> {
  const object: KubeObject | undefined = await leaf.getMetadata(resource, { namespace, name })
  const isOurs = object?.metadata?.labels?.[rootClusterLabel] === rootId
  const state = object ? (isOurs ? 'current' : 'foreign') : 'missing'
  return { kind, name, optional: true, usedBy: [], root: 'not needed', leaf: state }
}
