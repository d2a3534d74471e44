import { setTimeout as sleep } from 'node:timers/promises'
import { clusterFinalizer, clusterLabel, systemNamespace } from '@kosmos/api'
import { type Client, type KubeConfigSource, type Node, nodes, pods, type Secret, secrets } from '@kosmos/kube'
import { type OpenCluster, openCluster } from '../clusters/connect.ts'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import {
  credentialsSecretName,
  leafAccountName,
  leafIdAnnotation,
  managedBy,
  managedByLabel,
} from '../clusters/names.ts'
import { clusters } from '../clusters/resources.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { cordon, drain } from './drain.ts'
import { deleteCopies, leaveLeaf, leftInLeaf, type Remainder } from './leave-leaf.ts'

type StoredCluster = NonNullable<Awaited<ReturnType<typeof findCluster>>>

export interface UnjoinOptions {
  /** Name of the Cluster in the root. */
  readonly name: string
  readonly root: KubeConfigSource
  /** An administrator of the leaf; default: the credentials that the root holds. */
  readonly leaf?: KubeConfigSource | undefined
  /** Goes on without the leaf or a controller, deletes pods whatever a budget says. */
  readonly force?: boolean
  /** For the whole, in seconds. Default: 300, with force 110. */
  readonly timeoutSeconds?: number | undefined
}

export interface UnjoinResult {
  readonly cluster: string
  /** Pods that were evicted or deleted. */
  readonly podsGone: number
  /** What could not be removed, and how to do it by hand. */
  readonly remains: readonly Remainder[]
}

const defaultTimeoutSeconds = { drain: 300, force: 110 }
/** How long a forced unjoin waits for a controller to do it properly. */
const controllerGraceMs = 20_000

/**
 * Gives a leaf up: drains its virtual nodes, deletes the Cluster and removes what is ours on both sides. Can be run again
 * at any time. Throws Failure; with `force` it ends in time also when the leaf is gone.
 */
export async function unjoin(options: UnjoinOptions, progress: Progress): Promise<UnjoinResult> {
  const { name, force = false } = options
  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeoutSeconds[force ? 'force' : 'drain']
  const deadline = Date.now() + timeoutSeconds * 1000
  const root = await openCluster('root', options.root, { maxRetries: 0 })
  let leaf: OpenCluster | undefined
  try {
    const { cluster, secret, rootId } = await findJoined(root.client, name)
    const reached = await progress.step('looking for the leaf', () => reachLeaf(root.client, cluster, secret, options))
    leaf = reached.leaf
    if (leaf === undefined) {
      if (!force) {
        throw new Failure(`the leaf "${name}" cannot be asked to give up what is ours: ${reached.why}`, {
          next: `make it reachable, or leave it as it is: kosmosctl unjoin ${name} --force`,
        })
      }
      progress.warn(`the leaf cannot be asked, so what is there stays: ${reached.why}`)
    }
    const virtualNodes = await root.client.listAll(nodes, { labelSelector: `${clusterLabel}=${name}` })
    await progress.step('cordoning', async () => {
      for (const { metadata } of virtualNodes) await cordon(root.client, metadata.name)
    })
    const podsGone = force
      ? await progress.step('deleting its pods', () => deletePods(root.client, virtualNodes, leaf === undefined))
      : await progress.step('draining', (note) => drainAll(root.client, virtualNodes, deadline, note))
    if (cluster !== undefined) {
      await progress.step(`removing Cluster "${name}"`, (note) =>
        removeCluster(root.client, cluster, { force, leafGone: leaf === undefined, deadline, note }),
      )
    }
    if (force) await removeLeftovers(root.client, virtualNodes)
    const account = leafAccountName(rootId)
    const remains = await progress.step('removing what is ours in the leaf', async () => {
      if (leaf === undefined) return leftInLeaf(rootId, account, reached.why)
      if (!force) return await leaveLeaf(leaf.client, rootId, account)
      return await leaveByForce(leaf.client, rootId, account, deadline)
    })
    if (secret !== undefined) await deleteSecret(root.client, secret)
    return { cluster: name, podsGone, remains }
  } finally {
    await Promise.all([root.client.connection.close(), leaf?.client.connection.close()])
  }
}

/** The same without a controller; ends at the deadline, whatever the leaf does. */
async function leaveByForce(leaf: Client, rootId: string, account: string, deadline: number): Promise<Remainder[]> {
  const timer = setTimeout(() => void leaf.connection.close(), Math.max(1_000, deadline - Date.now()))
  try {
    await deleteCopies(leaf, rootId)
    return await leaveLeaf(leaf, rootId, account)
  } catch (error) {
    return leftInLeaf(rootId, account, explain(error).message)
  } finally {
    clearTimeout(timer)
  }
}

/** What join made for this name; the Cluster may be gone already when an unjoin is run again. */
export async function findJoined(root: Client, name: string) {
  const [rootId, cluster, secret] = await Promise.all([
    clusterId(root),
    findCluster(root, name),
    root.get(secrets, { namespace: systemNamespace, name: credentialsSecretName(name) }),
  ])
  const ourSecret = secret?.metadata.labels?.[managedByLabel] === managedBy ? secret : undefined
  if (cluster === undefined && ourSecret === undefined) {
    const known = (await root.listAll(clusters)).map(({ metadata }) => metadata.name)
    throw new Failure(`there is no Cluster "${name}"`, {
      next: known.length > 0 ? `there are: ${known.join(', ')}` : 'no cluster is joined to this root',
    })
  }
  if (cluster !== undefined && cluster.metadata.annotations?.[leafIdAnnotation] === undefined) {
    throw new Failure(`Cluster "${name}" was not made by kosmosctl join, so unjoin does not touch it`, {
      next: `whoever made it removes it: kubectl delete cluster.kosmos.io ${name}`,
    })
  }
  return { rootId, cluster, secret: ourSecret }
}

async function findCluster(root: Client, name: string) {
  try {
    return await root.get(clusters, { name })
  } catch (error) {
    throw new Failure(explain(error).message, { next: explain(error).next, cause: error })
  }
}

/** Opens the leaf if it answers and is the one that was joined. */
export async function reachLeaf(
  root: Client,
  cluster: StoredCluster | undefined,
  secret: Secret | undefined,
  options: UnjoinOptions,
): Promise<{ leaf: OpenCluster; why: '' } | { leaf: undefined; why: string }> {
  let leaf: OpenCluster | undefined
  try {
    if (options.leaf !== undefined) leaf = await openCluster('leaf', options.leaf)
    else if (cluster !== undefined) leaf = await openLeaf(root, cluster)
    else leaf = await openCluster('leaf', { text: kubeconfigOf(secret), selfContained: true })
    const id = await clusterId(leaf.client)
    const expected = cluster?.metadata.annotations?.[leafIdAnnotation] ?? id
    if (id !== expected) throw new Failure(`${leaf.server} is another cluster than the one that was joined`)
    return { leaf, why: '' }
  } catch (error) {
    await leaf?.client.connection.close()
    return { leaf: undefined, why: explain(error).message }
  }
}

function kubeconfigOf(secret: Secret | undefined): string {
  return Buffer.from(secret?.data?.kubeconfig ?? '', 'base64').toString()
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
        await root.delete(pods, { namespace, name }, { uid, ...(atOnce && { gracePeriodSeconds: 0 }) })
      }),
    )
    count += bound.length
  }
  return count
}

/** Deletes the Cluster and waits until the controllers have let go of it; by force it does not wait for ever. */
async function removeCluster(
  root: Client,
  cluster: StoredCluster,
  how: { force: boolean; leafGone: boolean; deadline: number; note: (text: string) => void },
): Promise<void> {
  const { name, uid } = cluster.metadata
  const deletion = await root.delete(clusters, { name }, { uid })
  if (!deletion.ok && deletion.reason !== 'NotFound') {
    throw new Failure(`root: Cluster "${name}" was not deleted: ${deletion.status.message}`, {
      next: 'use credentials for the root that may delete clusters.kosmos.io',
    })
  }
  // Without its leaf no controller can finish, so there is nothing to wait for.
  const patience = how.leafGone ? 0 : controllerGraceMs
  const until = how.force ? Math.min(how.deadline, Date.now() + patience) : how.deadline
  for (;;) {
    const left = await root.get(clusters, { name })
    if (left === undefined || left.metadata.uid !== uid) return
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
  const others = finalizers.filter((finalizer) => finalizer !== clusterFinalizer)
  const patch = { metadata: { uid, resourceVersion, finalizers: others } }
  const outcome = await root.patch(clusters, { name }, patch, { type: 'merge' })
  if (!outcome.ok && outcome.reason === 'Conflict') {
    const newer = await root.get(clusters, { name })
    if (newer !== undefined && newer.metadata.uid === uid) await dropFinalizer(root, newer)
  } else if (!outcome.ok && outcome.reason !== 'NotFound') {
    throw new Failure(`root: the finalizer of Cluster "${name}" was not removed: ${outcome.status.message}`)
  }
}

/** What the controllers would have removed in the root. */
async function removeLeftovers(root: Client, virtualNodes: readonly Node[]): Promise<void> {
  for (const { metadata } of virtualNodes) {
    await deletePods(root, virtualNodes, true)
    await root.delete(nodes, { name: metadata.name }, { uid: metadata.uid })
  }
}

async function deleteSecret(root: Client, { metadata: { name, namespace, uid } }: Secret): Promise<void> {
  const outcome = await root.delete(secrets, { name, namespace }, { uid })
  if (outcome.ok || outcome.reason === 'NotFound' || outcome.reason === 'OtherIncarnation') return
  throw new Failure(`root: Secret ${namespace}/${name} was not deleted: ${outcome.status.message}`, {
    next: `kubectl delete secret -n ${namespace} ${name}`,
  })
}
