import { orphanLabel } from '@kosmos/api'
import { type Client, isGone, pods } from '@kosmos/kube'
import { copiesOf, withLeaves } from '../clusters/ask-leaves.ts'
import { clusterId } from '../clusters/identity.ts'
import { Failure } from '../terminal/failure.ts'

export interface Orphan {
  readonly cluster: string
  readonly namespace: string
  readonly name: string
}

export interface DeleteOrphansOptions {
  /** `NAMESPACE/NAME`; undefined means all. */
  readonly names: readonly string[] | undefined
  /** Only those in the leaf of this Cluster. */
  readonly cluster: string | undefined
  readonly dryRun: boolean
  readonly warn: (text: string) => void
}

/**
 * Deletes orphans in the leaves, by the credentials that the root holds; each only as the incarnation that was listed. What
 * they mount, cluster-tree then collects.
 * @throws Failure if one that is named is in no leaf that answers, or a leaf refuses
 */
export async function deleteOrphans(root: Client, options: DeleteOrphansOptions): Promise<Orphan[]> {
  const { names, cluster, dryRun, warn } = options
  const rootId = await clusterId(root)
  const refused: string[] = []
  const deleted = await withLeaves(
    root,
    { isMeant: (name) => cluster === undefined || name === cluster, warn },
    async (leaf, inCluster) => {
      const gone: Orphan[] = []
      for (const { metadata } of await copiesOf(leaf, rootId, { labelSelector: orphanLabel })) {
        const { namespace = '', name, uid } = metadata
        if (names !== undefined && !names.includes(`${namespace}/${name}`)) continue
        const outcome = await leaf.delete(pods, { namespace, name }, { uid, dryRun })
        if (outcome.ok) gone.push({ cluster: inCluster, namespace, name })
        else if (!isGone(outcome))
          refused.push(`${namespace}/${name} in ${inCluster}: ${outcome.status.message ?? outcome.reason}`)
      }
      return gone
    },
  )
  if (refused.length > 0) {
    throw new Failure(`not deleted: ${refused.join('; ')}`, {
      next: "kosmosctl check says whether the root's account in the leaf has its rights; join renews them",
    })
  }
  const missed = names?.filter((name) => !deleted.some((one) => `${one.namespace}/${one.name}` === name)) ?? []
  if (missed.length > 0) {
    throw new Failure(`no orphan is called ${missed.join(', ')}`, { next: 'kosmosctl get orphans lists them' })
  }
  return deleted
}
