import type { KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../../clusters/connect.ts'
import type { Finding } from '../../findings/finding.ts'
import { Failure } from '../../terminal/failure.ts'
import type { Progress } from '../../terminal/progress.ts'
import { byName } from '../by-name.ts'
import { gatherLinkFacts, type LinkFacts, membersOf, type OwnKubeconfigs } from '../network/facts.ts'
import { type NodePairState, nodePairStates } from '../network/node-pairs.ts'
import type { PairState } from '../network/pairs.ts'
import type { TunnelState } from '../network/tunnels.ts'
import { viewOf } from '../network/view.ts'
import type { Outcome } from '../pods/outcome.ts'
import { tryPods } from '../pods/try.ts'
import { judgeLink } from './checks.ts'

export interface LinkCheckOptions {
  readonly root: KubeConfigSource
  /** Only ways from or to these; empty: all. */
  readonly clusters?: readonly string[]
  /** Also from each node to each node. */
  readonly nodes?: boolean
  /** Also with packets of pods, which are made for it. */
  readonly pods?: boolean
  /** Also how much a connection between pods carries. */
  readonly throughput?: boolean
  readonly own?: OwnKubeconfigs
  /** Ends what was begun, and cleans up. */
  readonly signal?: AbortSignal
}

export interface NodeShape {
  readonly name: string
  readonly isGateway: boolean
}

/** A linked cluster and its nodes. */
export interface ClusterShape {
  readonly name: string
  /** p2p or gateway. */
  readonly mode: string
  readonly nodes: readonly NodeShape[]
}

/** How linked clusters reach each other, and what is wrong. */
export interface LinkCheck {
  readonly now: number
  readonly clusters: readonly ClusterShape[]
  readonly pairs: readonly PairState[]
  readonly tunnels: readonly TunnelState[]
  readonly nodePairs?: readonly NodePairState[]
  readonly pods?: readonly Outcome[]
  readonly findings: readonly Finding[]
}

export async function linkCheck(options: LinkCheckOptions, progress: Progress): Promise<LinkCheck> {
  const { root: source, own = new Map(), signal = new AbortController().signal } = options
  return await withClusters({ root: source }, async ({ root }) => {
    const open = membersOf(root.client, own)
    const facts = await progress.step('looking at linked clusters', () => gatherLinkFacts(root.client, open))
    const chosen = chosenOf(facts, options.clusters ?? [])
    const judged = judgedLink(facts, chosen, options.nodes === true)
    if (!options.pods) return judged
    const { outcomes, findings } = await tryPods(
      { facts, open, chosen, everyNode: options.nodes === true, throughput: options.throughput === true, signal },
      progress,
    )
    return { ...judged, pods: outcomes, findings: [...judged.findings, ...findings] }
  })
}

/** What can be said without a packet of our own. Pure. */
export function judgedLink(facts: LinkFacts, chosen: ReadonlySet<string>, withNodes: boolean): LinkCheck {
  const view = viewOf(facts)
  const { tunnels, pairs, findings } = judgeLink(view, chosen)
  const clusterOf = (place: string) => place.split('/')[0] ?? ''
  const isMeant = ({ from, to }: { from: string; to: string }) =>
    chosen.has(clusterOf(from)) || chosen.has(clusterOf(to))
  return {
    now: facts.now,
    clusters: facts.clusters.map(clusterShape).sort(byName),
    pairs,
    tunnels,
    ...(withNodes && { nodePairs: nodePairStates(view).filter(isMeant) }),
    findings,
  }
}

function clusterShape({ name, cluster, nodes }: LinkFacts['clusters'][number]): ClusterShape {
  return {
    name,
    mode: cluster.spec.clusterLinkOptions?.networkType ?? '',
    nodes: nodes
      .map(({ spec }) => ({ name: spec.nodeName, isGateway: spec.roles?.includes('gateway') === true }))
      .sort(byName),
  }
}

function chosenOf({ clusters }: LinkFacts, wanted: readonly string[]): ReadonlySet<string> {
  const known = clusters.map(({ name }) => name)
  const strange = wanted.find((name) => !known.includes(name))
  if (strange !== undefined) {
    throw new Failure(`there is no linked Cluster "${strange}"`, { next: `there are: ${known.join(', ')}` })
  }
  return new Set(wanted.length > 0 ? wanted : known)
}
