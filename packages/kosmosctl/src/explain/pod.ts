import { clusterLabel, distributionPolicyAnnotation, rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import { claimsOf, type Delivery, deliveriesTo, isCopiedService, privateName, references } from '@kosmos/cluster-tree'
import {
  type Client,
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
import {
  becomesOf,
  type Candidate,
  explainNodes,
  gatesOfOthers,
  isGated,
  type Objection,
  stuckAt,
  type TakeBack,
  type World,
  whyWaiting,
} from '@kosmos/scheduler'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { clusters } from '../clusters/resources.ts'
import { meaningOf } from '../placement/outcome.ts'
import { readWorld } from '../placement/world.ts'
import { Failure } from '../terminal/failure.ts'
import { hasApiAccess, type Need, stateInLeaf, waitsFor } from './needs.ts'
import { placedBy } from './placed-by.ts'

/** Where a pod of the root is, what it needs, and what it waits for. */
export interface PodExplanation {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string; readonly phase: string }
  /** The node, and the Cluster that it stands for; undefined while the pod is not bound, and of a node of the root itself. */
  readonly node: string | undefined
  readonly cluster: string | undefined
  /** The copy in the leaf. */
  readonly copy: { readonly uid: string; readonly phase: string; readonly node: string | undefined } | undefined
  readonly needs: readonly Need[]
  /** Why it is where it is, a sentence each: who has placed it. */
  readonly placedBy: readonly string[]
  /** The nodes that would take it if it were made anew now, the best first. */
  readonly candidates: readonly Candidate[]
  /** Which rule is against the others, or says that they have no room. */
  readonly objections: readonly Objection[]
  /** A sentence each; empty when nothing is in the way. */
  readonly waitsFor: readonly string[]
}

/**
 * Looks in the root and, by the credentials that it holds, in the leaf; changes nothing.
 * @throws Failure if there is no such pod, or the Cluster that it is in is gone
 */
export async function explainPod(root: Client, ref: { namespace: string; name: string }): Promise<PodExplanation> {
  const pod = await root.get(pods, ref)
  if (!pod) {
    throw new Failure(`the root has no pod ${ref.namespace}/${ref.name}`, { next: 'kosmosctl get pods -A lists them' })
  }
  const { phase = '', reason, message } = pod.status ?? {}
  const world = await readWorld(root)
  const { candidates, objections } = explainNodes(world, pod)
  const { nodeName: node } = pod.spec
  const about = {
    pod: { ...ref, uid: pod.metadata.uid, phase },
    node,
    placedBy: placedBy(pod),
    candidates,
    objections,
  }
  const cluster = world.nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels?.[clusterLabel]
  if (cluster === undefined) {
    const why = node ? [] : [isGated(pod) ? whyGated(world, pod) : unscheduled(pod), ...takenBack(world, pod)]
    return { ...about, cluster, copy: undefined, needs: [], waitsFor: why }
  }
  const stored = await root.get(clusters, { name: cluster })
  if (!stored) {
    throw new Failure(`the Cluster "${cluster}" of node ${node} is gone`, {
      next: `join it again under that name, or give up the node with its pods: kubectl delete node ${node}`,
    })
  }
  const { client: leaf } = await openLeaf(root, stored)
  try {
    const sides = { root, leaf, rootId: await clusterId(root) }
    const copy = await leaf.get(pods, ref)
    const isCopy = copy?.metadata.annotations?.[rootUidAnnotation] === pod.metadata.uid
    const deliveries = deliveriesTo(pod, hasApiAccess(stored, isCopy ? copy : undefined))
    const needs = await needsOf(pod, deliveries, sides)
    const said = [...(message ? [`${reason ?? phase}: ${message}`] : []), ...takenBack(world, pod)]
    return {
      ...about,
      cluster,
      copy:
        copy && isCopy
          ? { uid: copy.metadata.uid, phase: copy.status?.phase ?? '', node: copy.spec.nodeName }
          : undefined,
      needs,
      waitsFor: isCopy ? said : [...new Set([...said, ...waitsFor(needs)])],
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

/** What the scheduler decides about a pod that waits for its place, by the same function. */
function whyGated(world: World, pod: Pod): string {
  const gates = gatesOfOthers(pod)
  if (gates.length > 0) return `the scheduling gates of others, before which it gets no place: ${gates.join(', ')}`
  const decision = whyWaiting(world).get(keyOf(pod))
  const kept = decision?.kept === undefined ? '' : `; node ${decision.kept} is kept for it from those that come later`
  return decision ? `its place: it ${meaningOf(decision)}${kept}` : 'the scheduler of Kosmos, which opens its gate'
}

/** What becomes of a pod that was placed, and that its leaf or the root's scheduler finds no node for. */
function takenBack(world: World, pod: Pod): string[] {
  const stuck = stuckAt(pod)
  if (stuck === undefined) return []
  const action = becomesOf(world, pod, stuck)
  if (action === undefined) return []
  if (action === 'evict') {
    return ['the scheduler of Kosmos, which takes it back when this lasts; its successor gets another place']
  }
  const awaited = stuck.by === 'leaf' ? 'room in its leaf' : 'a node where it has its place'
  return [`${awaited}: it is not taken back, since ${reasons[action]}`]
}

const reasons: Readonly<Record<Exclude<TakeBack, 'evict'>, string>> = {
  hasNoOwner: 'it has no controller that would make another',
  hasVolumes: 'it has a claim and goes where the volume is',
  waitsForPlace: 'its policy has it wait for its place (whenUnavailable)',
  hasNoOtherPlace: 'no other place has room for it now',
}

/** Pure. */
export function unscheduled({ metadata, status }: Pick<Pod, 'metadata' | 'status'>): string {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const policy = metadata.annotations?.[distributionPolicyAnnotation]
  // What a policy has added to the pod is in nobody's manifest.
  const by = policy === undefined ? '' : `, where it may go says ${policy}`
  return `the root's scheduler has not bound it to a node${by}${scheduled?.message ? `: ${scheduled.message}` : ''}`
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
