import { setTimeout as sleep } from 'node:timers/promises'
import { clusterFinalizer, linkFinalizer } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import type { StoredCluster } from './joined.ts'
import { mustBeGone, rightToDelete } from './must-be-gone.ts'
import { controllersUntil } from './shares.ts'

/**
 * Deletes the Cluster and waits until the controllers have let go of it; by force it does not wait for ever.
 * @throws Failure also when it was joined anew meanwhile: the new one needs what this one has in the leaf
 */
export async function removeCluster(
  root: Client,
  cluster: StoredCluster,
  how: { force: boolean; leafGone: boolean; deadline: number; note: (text: string) => void },
): Promise<void> {
  const { name, uid } = cluster.metadata
  const deletion = await root.delete(clusters, { name }, { uid })
  mustBeGone(deletion, `root: Cluster "${name}"`, rightToDelete('clusters.kosmos.io'))
  const until = how.force ? controllersUntil(Date.now(), how.deadline, how.leafGone) : how.deadline
  for (;;) {
    const left = await root.get(clusters, { name })
    if (left === undefined) return
    if (left.metadata.uid !== uid) throw joinedAnew(name)
    const condition = left.status?.conditions?.find(({ type }) => type === 'VirtualNodesReady')
    if (condition?.reason === 'Leaving') how.note(condition.message)
    if (Date.now() >= until) {
      if (how.force) return await dropFinalizer(root, left)
      throw new Failure(
        `Cluster "${name}" is still there: ${condition?.message ?? 'no controller has removed what it brought about'}`,
        { next: `is the controller running? kosmosctl check; without it: kosmosctl unjoin ${name} --force` },
      )
    }
    await sleep(300)
  }
}

async function dropFinalizer(root: Client, cluster: StoredCluster): Promise<void> {
  const { name, uid, resourceVersion, finalizers = [] } = cluster.metadata
  const others = finalizers.filter((finalizer) => finalizer !== clusterFinalizer && finalizer !== linkFinalizer)
  const patch = { metadata: { uid, resourceVersion, finalizers: others } }
  const outcome = await root.patch(clusters, { name }, patch, { type: 'merge' })
  if (!outcome.ok && outcome.reason === 'Conflict') {
    const newer = await root.get(clusters, { name })
    if (newer === undefined) return
    if (newer.metadata.uid !== uid) throw joinedAnew(name)
    await dropFinalizer(root, newer)
  } else if (!outcome.ok && outcome.reason === 'OtherIncarnation') {
    throw joinedAnew(name)
  } else if (!outcome.ok && outcome.reason !== 'NotFound') {
    throw new Failure(`root: the finalizer of Cluster "${name}" was not removed: ${outcome.status.message}`, {
      next: 'use credentials for the root that may patch clusters.kosmos.io',
    })
  }
}

const joinedAnew = (name: string): Failure =>
  new Failure(`Cluster "${name}" was joined anew meanwhile, so what it has in its leaf stays`, {
    next: `to give up the new one as well: kosmosctl unjoin ${name}`,
  })
