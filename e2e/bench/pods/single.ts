import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, Informer, type Pod, pods } from '@kosmos/kube'
import { isReady, percentile, podOf } from './load.ts'

/** How long one pod takes while nothing else happens; medians, as watchers of both clusters see it. */
export interface SinglePod {
  /** From its binding in the root until its copy is in the leaf. */
  readonly bindToCopyMs: number
  /** From Ready of the copy until Ready in the root. */
  readonly statusMs: number
}

export interface SinglePodOptions {
  readonly root: Client
  readonly leaf: Client
  readonly namespace: string
  readonly samples: number
}

/** Starts pods one after the other, beside those that are there, and deletes them again. */
export async function singlePod({ root, leaf, namespace, samples }: SinglePodOptions): Promise<SinglePod> {
  const stop = new AbortController()
  const labelSelector = 'app=single'
  const [inRoot, inLeaf] = [root, leaf].map((client) => {
    const informer = new Informer({ client, resource: pods, namespace, labelSelector })
    return { informer, running: informer.run(stop.signal) }
  })
  if (!inRoot || !inLeaf) throw new Error('there are two clusters')
  await Promise.all([inRoot.informer.synced, inLeaf.informer.synced])
  const first = (informer: Informer<Pod>, name: string, holds: (pod: Pod) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const unsubscribe = informer.subscribe(({ object }) => {
      if (object.metadata.name === name && holds(object)) resolve(performance.now())
    })
    return promise.finally(unsubscribe)
  }
  const copies: number[] = []
  const statuses: number[] = []
  for (let i = 0; i < samples; i++) {
    const name = `single-${i}`
    const seen = Promise.all([
      first(inRoot.informer, name, ({ spec }) => spec.nodeName !== undefined),
      first(inLeaf.informer, name, () => true),
      first(inLeaf.informer, name, isReady),
      first(inRoot.informer, name, isReady),
    ])
    const outcome = await root.create(pods, podOf(name, namespace, 'single'))
    if (!outcome.ok) throw new Error(`pod ${name} was not created: ${outcome.status.message}`)
    const [bound, copied, ready, shown] = await seen
    copies.push(copied - bound)
    statuses.push(shown - ready)
    await root.delete(pods, { namespace, name })
    // Not in the way of the next one.
    await sleep(100)
  }
  while (inRoot.informer.store.size > 0 || inLeaf.informer.store.size > 0) await sleep(50)
  stop.abort()
  await Promise.all([inRoot.running, inLeaf.running])
  const median = (values: number[]) =>
    percentile(
      values.toSorted((a, b) => a - b),
      0.5,
    )
  return { bindToCopyMs: median(copies), statusMs: median(statuses) }
}
