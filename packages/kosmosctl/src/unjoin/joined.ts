import { setTimeout as sleep } from 'node:timers/promises'
import { systemNamespace } from '@kosmos/api'
import { ApiError, type Client, isForbidden, KubeConfigError, type Secret, secrets, tokenLife } from '@kosmos/kube'
import { clockOffsetMs } from '../clusters/clock.ts'
import { type OpenCluster, openCluster } from '../clusters/connect.ts'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import {
  credentialsSecretName,
  givenUpAnnotation,
  kubeconfigKey,
  leafIdAnnotation,
  managedBy,
  managedByLabel,
} from '../clusters/names.ts'
import { clusters } from '../clusters/resources.ts'
import { within } from '../clusters/within.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { UnjoinOptions } from './options.ts'

export type StoredCluster = NonNullable<typeof clusters.objectType>

/** What join made for this name; the Cluster may be gone already when an unjoin is run again. */
export async function findJoined(root: Client, name: string) {
  const [rootId, cluster, secret] = await Promise.all([
    clusterId(root),
    root.get(clusters, { name }),
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

/** The leaf, open; or why it cannot be asked. */
export type Reached =
  | { readonly leaf: OpenCluster; readonly why: '' }
  | {
      readonly leaf: undefined
      readonly why: string
      /** It answers that the credentials which the root holds are nobody's, although they have not ended. One that allows them nothing knows whose they are. */
      readonly isRefused: boolean
    }

/** For the leaf to collect an account whose rights have been deleted, and to forget that it knew the token of it (10 s). */
const collectedWithinMs = 30_000

/**
 * Opens the leaf if it answers and is the one that was joined.
 * @param withinMs how long it may take to answer; undefined: as long as any request
 * @throws what is wrong with a kubeconfig that somebody has named: that is a slip, also of one who would go on without the leaf
 */
export async function reachLeaf(
  root: Client,
  cluster: StoredCluster | undefined,
  secret: Secret | undefined,
  options: UnjoinOptions,
  withinMs?: number,
): Promise<Reached> {
  let leaf: OpenCluster | undefined
  const isNamed = options.leaf !== undefined
  try {
    if (options.leaf !== undefined) leaf = await openCluster('leaf', options.leaf)
    else if (cluster !== undefined) leaf = await openLeaf(root, cluster)
    else leaf = await openCluster('leaf', { text: kubeconfigOf(secret), selfContained: true })
    const opened = leaf
    const mayGo = !isNamed && isGivenUp(cluster, secret)
    const collectedMs = Math.min(collectedWithinMs, withinMs ?? (options.timeoutSeconds ?? Infinity) * 1_000)
    const id = await onceCollected(() => answerWithin(opened, withinMs), mayGo ? collectedMs : 0)
    const expected = cluster?.metadata.annotations?.[leafIdAnnotation] ?? id
    if (id !== expected) throw new OtherCluster(leaf.server, isNamed ? options.name : undefined)
    return { leaf, why: '' }
  } catch (error) {
    const isUnknown = error instanceof ApiError && error.code === 401
    const ended = isUnknown && !isNamed && leaf !== undefined ? await endOf(leaf) : undefined
    await leaf?.client.connection.close()
    if (isNamed && (error instanceof KubeConfigError || error instanceof OtherCluster)) throw error
    const by = leaf?.askedBy ? ` (${leaf.askedBy.kubeconfig})` : ''
    const message = `${explain(error).message}${by}`
    const why = ended === undefined ? message : `${message}; the token in the root ended at ${ended.toISOString()}`
    return { leaf: undefined, why, isRefused: isUnknown && !isNamed && ended === undefined }
  }
}

/** By the header of an answer, which counts seconds. */
const clockErrorMs = 1_000

/** When the token ended that the leaf was asked with, by the leaf's clock; it is refused then whether its account is there or not. Undefined if it has not. */
async function endOf({ client, config }: OpenCluster): Promise<Date | undefined> {
  const life = tokenLife(config.getCurrentUser()?.token ?? '')
  if (life === undefined) return undefined
  const now = Date.now() + ((await clockOffsetMs(client.connection)) ?? 0)
  return life.expiresAt - clockErrorMs <= now ? new Date(life.expiresAt) : undefined
}

class OtherCluster extends Failure {
  /** @param named the Cluster whose leaf somebody has named so */
  constructor(server: string, named: string | undefined) {
    super(`${server} is another cluster than the one that was joined`, {
      next: named && `name a kubeconfig of the leaf "${named}" by --leaf-kubeconfig, or leave the option out`,
    })
  }
}

/**
 * Asks again while the leaf knows the account and allows it nothing: an unjoin that was killed has deleted its rights, and the leaf collects it
 * after them. What is forbidden for longer says nothing: the right may have been taken away, and the account be there.
 */
async function onceCollected<T>(ask: () => Promise<T>, withinMs: number): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isForbidden(error) || Date.now() >= until) throw error
    }
    await sleep(500)
  }
}

/** The id of the leaf, unless it has not answered by then. */
async function answerWithin(leaf: OpenCluster, ms: number | undefined): Promise<string> {
  const ask = () => clusterId(leaf.client)
  if (ms === undefined) return await ask()
  const late = () => new Failure(`leaf: no answer from ${leaf.server} in the ${Math.round(ms / 1000)} s that it had`)
  return await within(ms, leaf, ask, late)
}

/** Whether an unjoin had come so far that there was no Cluster, and in the leaf nothing left but the account. Pure. */
export function isGivenUp(cluster: StoredCluster | undefined, secret: Secret | undefined): boolean {
  return cluster === undefined && secret?.metadata.annotations?.[givenUpAnnotation] !== undefined
}

/** The kubeconfig in the Secret that join made; empty if a join was interrupted before it had one. Pure. */
export function kubeconfigOf(secret: Secret | undefined): string {
  return Buffer.from(secret?.data?.[kubeconfigKey] ?? '', 'base64').toString()
}
