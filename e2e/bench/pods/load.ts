import { type Client, Informer, type Pod, pods } from '@kosmos/kube'
import PQueue from 'p-queue'
import { insist } from '../insist.ts'

export interface LoadResult {
  readonly podsPerSecond: number
  /** From the request that creates a pod until a watcher of the same cluster sees it Ready. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** From the first delete until the last pod is gone. */
  readonly deleteSeconds: number
}

export interface LoadOptions {
  readonly client: Client
  readonly namespace: string
  readonly count: number
  /** Makes each pod, with a label `app: load`. */
  readonly podOf?: (name: string, namespace: string) => object
  /** What a kubelet asks for before a pod starts and a simulated one does not; the pod is not Ready before it has that. */
  readonly asKubelet?: (pod: Pod) => Promise<void>
  /** Called between creation and deletion. */
  readonly whileRunning?: () => Promise<void>
}

/** Requests in flight: what a busy controller has. */
const IN_FLIGHT = 50

/** Creates pods, waits until all are Ready, deletes them one by one, waits until all are gone. */
export async function runLoad({
  client,
  namespace,
  count,
  podOf: make = podOf,
  asKubelet,
  whileRunning,
}: LoadOptions): Promise<LoadResult> {
  const stop = new AbortController()
  const informer = new Informer({ client, resource: pods, namespace, labelSelector: 'app=load' })
  const following = informer.run(stop.signal)
  await informer.synced

  const created = new Map<string, number>()
  const prepared = new Map<string, Promise<void> | undefined>()
  const ready = new Map<string, number>()
  const allReady = Promise.withResolvers<void>()
  const allGone = Promise.withResolvers<void>()
  const isUp = (name: string) => {
    if (ready.has(name)) return
    ready.set(name, performance.now())
    if (ready.size === count) allReady.resolve()
  }
  const unsubscribe = informer.subscribe(({ type, object }) => {
    const { name } = object.metadata
    if (type === 'deleted') {
      if (informer.store.size === 0) allGone.resolve()
      return
    }
    if (object.spec.nodeName && !prepared.has(name)) prepared.set(name, asKubelet?.(object))
    if (!isReady(object)) return
    const preparation = prepared.get(name)
    if (preparation) preparation.then(() => isUp(name), allReady.reject)
    else isUp(name)
  })

  const names = Array.from({ length: count }, (_, i) => `load-${i}`)
  const requests = new PQueue({ concurrency: IN_FLIGHT })
  const start = performance.now()
  await requests.addAll(
    names.map((name) => async () => {
      created.set(name, performance.now())
      await insist(() => client.create(pods, make(name, namespace)))
    }),
  )
  await allReady.promise
  const end = Math.max(...ready.values())
  await whileRunning?.()

  const deletion = performance.now()
  await requests.addAll(names.map((name) => () => insist(() => client.delete(pods, { namespace, name }))))
  await allGone.promise
  const deleteSeconds = (performance.now() - deletion) / 1000

  unsubscribe()
  stop.abort()
  await following
  const latencies = names.map((name) => (ready.get(name) ?? 0) - (created.get(name) ?? 0)).sort((a, b) => a - b)
  return {
    podsPerSecond: count / ((end - start) / 1000),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    deleteSeconds,
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** The same pod on both sides; the toleration only matters in the root. */
export function podOf(name: string, namespace: string, app = 'load'): object {
  return {
    metadata: { name, namespace, labels: { app } },
    spec: {
      tolerations: [{ key: 'kosmos.io/node', operator: 'Exists' }],
      containers: [
        { name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
      ],
    },
  }
}
