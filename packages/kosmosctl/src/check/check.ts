import { type Cluster, hasClusterTree } from '@kosmos/api'
import type { Client, KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { clusters } from '../clusters/resources.ts'
import { type Finding, judge, ok, problem } from '../findings/finding.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { clusterChecks } from './cluster-checks.ts'
import { gatherClusterFacts } from './cluster-facts.ts'
import { rootChecks } from './root-checks.ts'
import { gatherRootFacts, type RootFacts } from './root-facts.ts'

export interface CheckOptions {
  readonly root: KubeConfigSource
  /** Only this Cluster, besides the root. */
  readonly cluster?: string | undefined
}

/** Looks for everything that is wrong, in the root and in every leaf; changes nothing. */
export async function check({ root, cluster }: CheckOptions, progress: Progress): Promise<Finding[]> {
  return await withClusters({ root }, async ({ root: { client, server } }) => {
    let facts: RootFacts
    try {
      facts = await progress.step('looking at the root', () => gatherRootFacts(client))
    } catch (error) {
      const { message, next } = explain(error)
      return [{ id: 'root-reachable', verdict: problem(message, next ?? 'check the kubeconfig') }]
    }
    const reachable: Finding = { id: 'root-reachable', verdict: ok(`the root answers at ${server}`) }
    const chosen = facts.definition === 'missing' ? [] : await choose(client, cluster)
    const perCluster = await progress.step('looking at the leaves', () =>
      Promise.all(
        chosen.map(async (one) =>
          judge(clusterChecks, await gatherClusterFacts(client, one, facts.version), one.metadata.name),
        ),
      ),
    )
    return [reachable, ...judge(rootChecks, facts), ...perCluster.flat()]
  })
}

async function choose(root: Client, name: string | undefined): Promise<Cluster[]> {
  const all = await root.listAll(clusters)
  if (name === undefined) return all.filter(hasClusterTree)
  const found = all.filter(({ metadata }) => metadata.name === name)
  if (found.length > 0) return found
  const known = all.map(({ metadata }) => metadata.name)
  throw new Failure(`there is no Cluster "${name}"`, {
    next: known.length > 0 ? `there are: ${known.join(', ')}` : 'no cluster is joined to this root',
  })
}
