import { type Cluster, hasClusterLink, hasClusterTree, isRootCluster } from '@kosmos/api'
import { type Client, isForbidden, type KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { clusters } from '../clusters/resources.ts'
import { type Finding, judge, ok, problem } from '../findings/finding.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { clusterChecks, linkedRootChecks } from './cluster-checks.ts'
import { gatherClusterFacts } from './cluster-facts.ts'
import { rootChecks } from './root-checks.ts'
import { gatherRootFacts } from './root-facts.ts'
import { rightsVerdict } from './root-rights.ts'

export interface CheckOptions {
  readonly root: KubeConfigSource
  /** Only this Cluster, besides the root. */
  readonly cluster?: string | undefined
}

/** Looks for everything that is wrong, in the root and in every leaf; changes nothing. */
export async function check({ root, cluster }: CheckOptions, progress: Progress): Promise<Finding[]> {
  return await withClusters({ root }, async ({ root: { client, server, askedBy } }) => {
    const reachable: Finding = { id: 'root-reachable', verdict: ok(`the root answers at ${server}`) }
    try {
      const facts = await progress.step('looking at the root', () => gatherRootFacts(client))
      const chosen = facts.definition === 'missing' ? [] : await choose(client, cluster)
      return [reachable, ...judge(rootChecks, facts), ...(await checkLeaves(client, chosen, facts.version, progress))]
    } catch (error) {
      if (error instanceof Failure) throw error
      if (isForbidden(error)) return [reachable, { id: 'root-rights', verdict: await rightsVerdict(client, error) }]
      const { message, next } = explain(error, askedBy)
      return [{ id: 'root-reachable', verdict: problem(message, next ?? 'check the kubeconfig') }]
    }
  })
}

async function checkLeaves(
  root: Client,
  leaves: readonly Cluster[],
  rootVersion: string,
  progress: Progress,
): Promise<Finding[]> {
  const findings = await progress.step('looking at the leaves', () =>
    Promise.all(
      leaves.map(async (leaf) =>
        isRootCluster(leaf)
          ? judge(linkedRootChecks, { cluster: leaf }, leaf.metadata.name)
          : judge(clusterChecks, await gatherClusterFacts(root, leaf, rootVersion), leaf.metadata.name),
      ),
    ),
  )
  return findings.flat()
}

async function choose(root: Client, name: string | undefined): Promise<Cluster[]> {
  const all = await root.listAll(clusters)
  if (name === undefined) return all.filter((cluster) => hasClusterTree(cluster) || isLinkedRoot(cluster))
  const found = all.filter(({ metadata }) => metadata.name === name)
  if (found.length > 0) return found
  const known = all.map(({ metadata }) => metadata.name)
  throw new Failure(`there is no Cluster "${name}"`, {
    next: known.length > 0 ? `there are: ${known.join(', ')}` : 'no cluster is joined to this root',
  })
}

const isLinkedRoot = (cluster: Cluster): boolean => isRootCluster(cluster) && hasClusterLink(cluster)
