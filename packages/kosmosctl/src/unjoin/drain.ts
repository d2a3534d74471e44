import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Client, Informer, isGone, type Node, nodes, type Pod, pods } from '@kosmos/kube'
import { counted } from '../output/counted.ts'
import { Failure } from '../terminal/failure.ts'

export interface DrainOptions {
  readonly client: Client
  readonly node: string
  readonly deadline: number
  readonly note: (text: string) => void
}

/** How often a pod is asked to go that a PodDisruptionBudget protects. */
const retryMs = 2_000

/** No new pods shall come to the node. */
export async function cordon(client: Client, { metadata: { name, uid } }: Node): Promise<void> {
  const patch = { metadata: { uid }, spec: { unschedulable: true } }
  const outcome = await client.patch(nodes, { name }, patch, { type: 'merge' })
  if (!outcome.ok && !isGone(outcome)) {
    throw new Failure(`root: node ${name} was not cordoned: ${outcome.status.message}`, {
      next: 'use credentials for the root that may patch nodes',
    })
  }
}

/**
 * Evicts the pods of a node (policy/v1, so PodDisruptionBudgets hold) and waits until they are gone. Pods of DaemonSets
 * stay: they would come back. Returns how many went.
 */
export async function drain({ client, node, deadline, note }: DrainOptions): Promise<number> {
  const stop = new AbortController()
  const informer = new Informer({ client, resource: pods, fieldSelector: `spec.nodeName=${node}` })
  const following = informer.run(stop.signal)
  const seen = new Set<string>()
  try {
    const deadlinePassed = sleep(Math.max(0, deadline - Date.now()), undefined, { signal: stop.signal }).catch(() => {})
    await Promise.race([informer.synced, deadlinePassed])
    if (!informer.hasSynced) {
      throw new Failure(`root: the pods of node ${node} could not be listed in time`, {
        next: 'run it again with a longer --timeout; kosmosctl check says whether the root answers',
      })
    }
    for (;;) {
      const left = [...informer.store.values()].filter(isDrainable)
      if (left.length === 0) return seen.size
      for (const { metadata } of left) seen.add(metadata.uid)
      const waiting = left.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      const refused = (await Promise.all(waiting.map((pod) => evict(client, pod)))).filter((why) => why !== undefined)
      note(`${counted(left.length, 'pod')} left${refused[0] ? `; ${refused[0]}` : ''}`)
      if (Date.now() > deadline) throw timedOut(node, left, refused[0])
      await nextChange(informer, Math.min(retryMs, Math.max(50, deadline - Date.now())))
    }
  } finally {
    stop.abort()
    await following
  }
}

/** Whether the pod has to leave before the node goes. Pure. */
export function isDrainable({ metadata, status }: Pod): boolean {
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  const ofDaemonSet = metadata.ownerReferences?.some(({ kind, controller }) => controller && kind === 'DaemonSet')
  return !ofDaemonSet && !(finished && metadata.deletionTimestamp === undefined)
}

/** Asks a pod to go; resolves with the reason if it must not yet. */
async function evict(client: Client, { metadata: { namespace, name, uid } }: Pod): Promise<string | undefined> {
  try {
    const outcome = await client.evict({ namespace, name }, { uid })
    if (outcome.ok || outcome.reason !== 'Forbidden') return undefined
    throw new Failure(`root: pod ${namespace}/${name} may not be evicted: ${outcome.status.message}`, {
      next: 'use credentials for the root that may create pods/eviction',
    })
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 429)) throw error
    return `${namespace}/${name} is held by a PodDisruptionBudget`
  }
}

function timedOut(node: string, left: readonly Pod[], refusal: string | undefined): Failure {
  const names = left.slice(0, 5).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const more = left.length > names.length ? ` and ${left.length - names.length} more` : ''
  return new Failure(
    `node ${node} still has ${counted(left.length, 'pod')}: ${names.join(', ')}${more}${refusal ? ` (${refusal})` : ''}`,
    {
      next: `run it again with a longer --timeout, or with --force to delete them whatever a budget says; the node stays cordoned (so that it takes pods again: kubectl uncordon ${node})`,
    },
  )
}

async function nextChange(informer: Informer<Pod>, withinMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  const forget = informer.subscribe(({ type }) => type === 'deleted' && resolve())
  await promise
  forget()
  clearTimeout(timer)
}
