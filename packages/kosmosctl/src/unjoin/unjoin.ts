import { clusterLabel, isRootCluster } from '@kosmos/api'
import { type Client, type Node, nodes, pods, type Secret, secrets } from '@kosmos/kube'
import { type OpenCluster, withClusters } from '../clusters/connect.ts'
import { leafAccountName } from '../clusters/names.ts'
import { within } from '../clusters/within.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import { type Progress, watching } from '../terminal/progress.ts'
import { cordon, drain } from './drain.ts'
import { leftByGivenUp, noteGivenUp } from './given-up.ts'
import { findJoined, reachLeaf, type StoredCluster } from './joined.ts'
import { deleteCopies, deleteImports, leaveLeaf, leftInLeaf, type Remainder } from './leave-leaf.ts'
import { leaveNodes } from './leave-nodes.ts'
import { leaveRoot } from './leave-root.ts'
import { rootSteps, steps } from './left.ts'
import { mustBeGone, rightToDelete } from './must-be-gone.ts'
import type { UnjoinOptions } from './options.ts'
import { removeCluster } from './remove-cluster.ts'
import { agentsUntil, toEndMs, toLeaveLeafMs, toReachLeafMs } from './shares.ts'

export interface UnjoinResult {
  readonly cluster: string
  /** Pods that were evicted or deleted. */
  readonly podsGone: number
  /** What could not be removed, and how to do it by hand. */
  readonly remains: readonly Remainder[]
}

const defaultTimeoutSeconds = { drain: 300, force: 110 }

/**
 * Gives a leaf up: drains its virtual nodes, deletes the Cluster and removes what is ours on both sides. Can be run again
 * at any time. Throws Failure; with `force` it ends in time also when the leaf is gone.
 */
export async function unjoin(options: UnjoinOptions, progress: Progress): Promise<UnjoinResult> {
  const { force = false } = options
  const totalMs = (options.timeoutSeconds ?? defaultTimeoutSeconds[force ? 'force' : 'drain']) * 1000
  const end = Date.now() + totalMs
  return await withClusters({ root: options.root }, async ({ root }) => {
    const { watched, step } = watching(progress)
    const late = () => outOfTime(options, totalMs, step())
    const time = { totalMs, deadline: end - toEndMs(totalMs), end, late }
    return await within(totalMs, root, () => unjoinFrom(root.client, options, time, watched), late)
  })
}

function outOfTime({ name, force }: UnjoinOptions, totalMs: number, step: string | undefined): Failure {
  const where = step === undefined ? '' : `, it was ${step}`
  return new Failure(`"${name}" was not unjoined in the ${totalMs / 1000} s that there were${where}`, {
    next: `does the root answer (kosmosctl check)? kosmosctl unjoin ${name}${force ? ' --force' : ''} goes on where it stopped, and has longer with --timeout`,
  })
}

interface Time {
  /** For the whole. */
  readonly totalMs: number
  /** Until then pods, controllers and the leaf are waited for. */
  readonly deadline: number
  /** Then it is over, and `late` says why. */
  readonly end: number
  readonly late: () => Failure
}

async function unjoinFrom(
  root: Client,
  options: UnjoinOptions,
  { totalMs, deadline, end, late }: Time,
  progress: Progress,
): Promise<UnjoinResult> {
  const { name, force = false } = options
  const { cluster, secret, rootId } = await findJoined(root, name)
  if (cluster !== undefined && isRootCluster(cluster)) {
    const remains = await unjoinRoot(root, cluster, { rootId, force, deadline }, progress)
    return { cluster: name, podsGone: 0, remains }
  }
  const toReachMs = force ? toReachLeafMs(totalMs) : totalMs / 2
  const reached = await progress.step(steps.look, () => reachLeaf(root, cluster, secret, options, toReachMs))
  const { leaf } = reached
  try {
    const leftBefore = leftByGivenUp(reached, cluster, secret, rootId)
    if (leftBefore !== undefined && secret !== undefined) {
      await deleteSecret(root, secret)
      return { cluster: name, podsGone: 0, remains: leftBefore }
    }
    if (leaf === undefined) {
      if (!force) {
        throw new Failure(`the leaf "${name}" cannot be asked to give up what is ours: ${reached.why}`, {
          next: `make it reachable, name an administrator of it (--leaf-kubeconfig), or leave it as it is: kosmosctl unjoin ${name} --force`,
        })
      }
      progress.warn(`the leaf cannot be asked, so what is there stays: ${reached.why}`)
    }
    const virtualNodes = await root.listAll(nodes, { labelSelector: `${clusterLabel}=${name}` })
    await progress.step(steps.cordon, async () => {
      for (const node of virtualNodes) await cordon(root, node)
    })
    const podsGone = force
      ? await progress.step(steps.deletePods, () => deletePods(root, virtualNodes, leaf === undefined))
      : await progress.step(steps.drain, (note) => drainAll(root, virtualNodes, deadline, note))
    if (cluster !== undefined) {
      await progress.step(steps.removeCluster(name), (note) =>
        removeCluster(root, cluster, { force, leafGone: leaf === undefined, deadline, note }),
      )
    }
    if (force) await removeLeftovers(root, virtualNodes)
    const account = leafAccountName(rootId)
    const remains = await progress.step(steps.leave, async () => {
      if (leaf === undefined) return leftInLeaf(rootId, account, reached.why)
      const note = async (remains: readonly Remainder[]) => {
        if (secret !== undefined) await noteGivenUp(root, name, secret, remains)
      }
      if (!force) {
        return await within(end - Date.now(), leaf, () => leaveLeaf(leaf.client, rootId, account, note), late)
      }
      return await leaveByForce(leaf, { name, rootId, account, deadline }, note)
    })
    if (secret !== undefined) await deleteSecret(root, secret)
    return { cluster: name, podsGone, remains }
  } finally {
    await leaf?.client.connection.close()
  }
}

/** The root itself leaves the network of ClusterLink. */
async function unjoinRoot(
  root: Client,
  cluster: StoredCluster,
  { rootId, force, deadline }: { readonly rootId: string; readonly force: boolean; readonly deadline: number },
  progress: Progress,
): Promise<Remainder[]> {
  const { name } = cluster.metadata
  await progress.step(rootSteps.removeCluster(name), (note) =>
    removeCluster(root, cluster, { force, leafGone: false, deadline, note }),
  )
  return await progress.step(rootSteps.leave, async () => {
    if (force) await deleteImports(root, rootId)
    const onNodes = force ? await leaveNodes(root, name, rootId, agentsUntil(Date.now(), deadline)) : []
    await leaveRoot(root, name, rootId)
    return onNodes
  })
}

/** The same without a controller; ends at the deadline, whatever the leaf does. */
async function leaveByForce(
  leaf: OpenCluster,
  { name, rootId, account, deadline }: { name: string; rootId: string; account: string; deadline: number },
  beforeAccount: (remains: readonly Remainder[]) => Promise<void>,
): Promise<Remainder[]> {
  const remains: Remainder[] = []
  const leave = async () => {
    await deleteImports(leaf.client, rootId)
    await deleteCopies(leaf.client, rootId)
    remains.push(...(await leaveNodes(leaf.client, name, rootId, agentsUntil(Date.now(), deadline))))
    return [...remains, ...(await leaveLeaf(leaf.client, rootId, account, beforeAccount))]
  }
  const late = () => new Failure(`leaf: ${leaf.server} was not done in the time that there was`)
  try {
    return await within(toLeaveLeafMs(Date.now(), deadline), leaf, leave, late)
  } catch (error) {
    return [...remains, ...leftInLeaf(rootId, account, explain(error).message)]
  }
}

async function drainAll(
  root: Client,
  virtualNodes: readonly Node[],
  deadline: number,
  note: (text: string) => void,
): Promise<number> {
  let count = 0
  for (const { metadata } of virtualNodes) count += await drain({ client: root, node: metadata.name, deadline, note })
  return count
}

/** Deletes the pods of the nodes. `atOnce`: nobody is there to end them, so they go without their grace. */
async function deletePods(root: Client, virtualNodes: readonly Node[], atOnce: boolean): Promise<number> {
  let count = 0
  for (const node of virtualNodes) {
    const bound = await root.listAll(pods, { fieldSelector: `spec.nodeName=${node.metadata.name}` })
    await Promise.all(
      bound.map(async ({ metadata: { namespace, name, uid } }) => {
        const outcome = await root.delete(pods, { namespace, name }, { uid, ...(atOnce && { gracePeriodSeconds: 0 }) })
        mustBeGone(outcome, `root: pod ${namespace}/${name}`, rightToDelete('pods'))
      }),
    )
    count += bound.length
  }
  return count
}

/** What the controllers would have removed in the root. */
async function removeLeftovers(root: Client, virtualNodes: readonly Node[]): Promise<void> {
  for (const node of virtualNodes) {
    await deletePods(root, [node], true)
    const { name, uid } = node.metadata
    mustBeGone(await root.delete(nodes, { name }, { uid }), `root: node ${name}`, rightToDelete('nodes'))
  }
}

async function deleteSecret(root: Client, { metadata: { name, namespace, uid } }: Secret): Promise<void> {
  const outcome = await root.delete(secrets, { name, namespace }, { uid })
  mustBeGone(outcome, `root: Secret ${namespace}/${name}`, `kubectl delete secret -n ${namespace} ${name}`)
}
