import { hasClusterLink, rotateKeysAnnotation } from '@kosmos/api'
import { clusterNodes, type StoredClusterNode } from '@kosmos/cluster-link'
import { type Client, clusters, type StoredCluster, unwrap } from '@kosmos/kube'
import { Failure } from '../../terminal/failure.ts'
import { noClusterIsLinked } from '../network/facts.ts'

/** Whose keys are to be changed; with neither, those of all nodes of all linked clusters. */
export interface RotationWish {
  readonly clusters: readonly string[]
  readonly nodes: readonly string[]
  /** Nothing is asked for: the API server says whether it would be taken. */
  readonly dryRun: boolean
}

/** What the wish is about: whole clusters, or nodes of one of them. */
export interface Demanded {
  readonly clusters: readonly string[]
  readonly nodes: readonly string[]
  /** Keys from before are changed; RFC 3339. */
  readonly keysFromBefore: string
}

/** Asks for new keys; the controller and the agents do the rest. @throws Failure if something is not there */
export async function demandKeys(root: Client, wish: RotationWish, now: number): Promise<Demanded> {
  const [linked, known] = await Promise.all([root.listAll(clusters), root.listAll(clusterNodes)])
  const { targets, keysFromBefore } = demandOf(linked.filter(hasClusterLink), known, wish, now)
  const patch = { metadata: { annotations: { [rotateKeysAnnotation]: keysFromBefore } } }
  const options = { type: 'merge', dryRun: wish.dryRun } as const
  for (const name of targets.clusters) unwrap(await root.patch(clusters, { name }, patch, options))
  for (const { metadata } of targets.nodes) {
    unwrap(await root.patch(clusterNodes, { name: metadata.name }, patch, options))
  }
  return { clusters: targets.clusters, nodes: targets.nodes.map(({ spec }) => spec.nodeName), keysFromBefore }
}

/** Pure. @throws Failure */
export function demandOf(
  linked: readonly StoredCluster[],
  known: readonly StoredClusterNode[],
  { clusters: wanted, nodes: wantedNodes }: Pick<RotationWish, 'clusters' | 'nodes'>,
  now: number,
) {
  const names = linked.map(({ metadata }) => metadata.name)
  if (names.length === 0) throw noClusterIsLinked()
  const strange = wanted.find((name) => !names.includes(name))
  if (strange !== undefined) {
    throw new Failure(`there is no linked Cluster "${strange}"`, { next: `there are: ${names.join(', ')}` })
  }
  const chosen = wanted.length > 0 ? wanted : names
  const inChosen = known.filter(({ spec }) => chosen.includes(spec.clusterName))
  const nodes = wantedNodes.map((nodeName) => {
    const found = inChosen.find(({ spec }) => spec.nodeName === nodeName)
    if (found) return found
    const there = inChosen.map(({ spec }) => spec.nodeName).join(', ')
    throw new Failure(`${chosen.join(', ')} has no node "${nodeName}"`, { next: `there are: ${there}` })
  })
  return {
    targets: nodes.length > 0 ? { clusters: [], nodes } : { clusters: chosen, nodes: [] },
    keysFromBefore: new Date(laterThanKeys(inChosen, now)).toISOString(),
  }
}

/** This clock may be behind the one by which keys were asked for: the demand would have no effect. */
function laterThanKeys(nodes: readonly StoredClusterNode[], now: number): number {
  return Math.max(now, ...nodes.map(({ spec }) => Date.parse(spec.keysRequestedAt ?? '') + 1 || 0))
}
