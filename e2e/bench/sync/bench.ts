import { type Client, configMaps, Informer, type KubeObject, secrets } from '@kosmos/kube'
import { downTestbed, type Progress, type Testbed, upTestbed } from '@kosmos/testbed'
import PQueue from 'p-queue'
import { clusterTree } from '../../platform/components.ts'
import { pidOf, upKosmos } from '../../platform/kosmos.ts'
import { type Idle, idle } from '../idle.ts'
import { NAMESPACE, onCluster } from '../on-cluster.ts'
import { type LoadResult, podOf, runLoad } from '../pods/load.ts'
import { between, lists, requestsOf, snapshot } from '../pods/where.ts'
import { cpuMs, peakRssMiB } from '../process-usage.ts'

/** What `npm run bench -- sync --json` prints. */
export interface SyncResult {
  readonly pods: number
  /** ConfigMaps, and as many Secrets; the pods share them. */
  readonly objects: number
  /** Secrets of the root that no pod refers to. */
  readonly unreferenced: number
  readonly direct: LoadResult
  readonly tree: LoadResult
  readonly ratio: number
  /** Of cluster-tree, with the change of all ConfigMaps. */
  readonly cpuMsPerPod: number
  readonly peakRssMiB: number
  /** By `<cluster> <verb>`. */
  readonly requestsPerPod: Readonly<Record<string, number>>
  readonly listsInSteadyState: number
  /** From the first change of all ConfigMaps in the root until the last copy shows it. */
  readonly changeToAllCopiesSeconds: number
  /** What one of these changes costs, and nothing else, of all processes of the test bed. */
  readonly change: {
    /** By `<cluster>/<component>`, in milliseconds. */
    readonly cpuMs: Readonly<Record<string, number>>
    /** By `<cluster> <verb>`, of cluster-tree. */
    readonly requests: Readonly<Record<string, number>>
  }
  /** With all pods and copies there. */
  readonly idle: Idle
}

export interface SyncOptions {
  readonly pods: number
  readonly objects: number
  readonly unreferenced: number
  readonly progress: Progress
}

/** What each of them holds: a certificate, a page of settings. */
const KIBIBYTE = 'x'.repeat(1024)
const IN_FLIGHT = 50

/** Pods that share ConfigMaps and Secrets, straight on a leaf and through the tree, on a test bed of its own. */
export async function benchSync(options: SyncOptions): Promise<SyncResult> {
  const { pods, progress } = options
  const name = `bench-sync-${process.pid}`
  const nodes = `kwok:${Math.max(10, Math.ceil(pods / 400))}`
  const testbed = await upTestbed({ name, leaves: 1, nodes, endsWithProcess: true, progress })
  try {
    return await measure(testbed, options)
  } finally {
    await downTestbed(name, progress)
  }
}

async function measure(testbed: Testbed, { pods, objects, unreferenced, progress }: SyncOptions): Promise<SyncResult> {
  const [leaf] = testbed.leaves
  if (!leaf) throw new Error('the test bed has no leaf')
  if (unreferenced > 0) {
    progress.step(`${unreferenced} Secrets in the root that nobody needs`)
    await onCluster(testbed.root.kubeconfig, (client) => createUnreferenced(client, unreferenced))
  }
  const { metrics = '' } = await upKosmos(testbed, progress, { plainMetrics: true })
  const pid = pidOf(testbed, clusterTree)
  const podWith = (name: string, namespace: string) =>
    referring(podOf(name, namespace), Number(name.split('-')[1]) % objects)

  progress.step(`${objects} ConfigMaps and Secrets and ${pods} pods straight on the leaf`)
  const direct = await onCluster(leaf.kubeconfig, async (client) => {
    await createAll(client, objects)
    const result = await runLoad({ client, namespace: NAMESPACE, count: pods, podOf: podWith })
    await deleteAll(client, objects)
    return result
  })
  progress.step(`${direct.podsPerSecond.toFixed(1)} pods/s; the same through the tree`)
  return await onCluster(testbed.root.kubeconfig, async (client) => {
    await createAll(client, objects)
    const before = { cpu: cpuMs(pid), seen: await snapshot(testbed, metrics) }
    let changeToAllCopiesSeconds = 0
    let ofChange: SyncResult['change'] = { cpuMs: {}, requests: {} }
    let quiet: Idle = { cpuPercent: 0, requestsPerSecond: {} }
    let quietMs = 0
    const whileRunning = async () => {
      progress.step('nothing changes')
      const start = cpuMs(pid)
      quiet = await idle(pid, () => requestsOf(metrics))
      quietMs = cpuMs(pid) - start
      progress.step('every ConfigMap is changed')
      const unchanged = await snapshot(testbed, metrics)
      changeToAllCopiesSeconds = await onCluster(leaf.kubeconfig, (leaf) => change(client, leaf, objects))
      const { cpuMsPerPod, requestsPerPod } = between(unchanged, await snapshot(testbed, metrics), objects)
      ofChange = { cpuMs: cpuMsPerPod, requests: requestsPerPod }
    }
    const tree = await runLoad({ client, namespace: NAMESPACE, count: pods, podOf: podWith, whileRunning })
    const after = await snapshot(testbed, metrics)
    const { requestsPerPod } = between(before.seen, after, pods)
    progress.step(`${tree.podsPerSecond.toFixed(1)} pods/s`)
    return {
      pods,
      objects,
      unreferenced,
      direct,
      tree,
      ratio: tree.podsPerSecond / direct.podsPerSecond,
      cpuMsPerPod: (cpuMs(pid) - before.cpu - quietMs) / pods,
      peakRssMiB: peakRssMiB(pid),
      requestsPerPod,
      listsInSteadyState: lists(after) - lists(before.seen),
      changeToAllCopiesSeconds,
      change: ofChange,
      idle: quiet,
    }
  })
}

function referring(pod: object, index: number): object {
  const { spec, ...rest } = pod as { spec: object }
  const volumes = [
    { name: 'settings', configMap: { name: `settings-${index}` } },
    { name: 'keys', secret: { secretName: `keys-${index}` } },
  ]
  return { ...rest, spec: { ...spec, volumes } }
}

const settings = (index: number, value: string) => ({
  metadata: { namespace: NAMESPACE, name: `settings-${index}`, labels: { bench: 'sync' } },
  data: { value, page: KIBIBYTE },
})

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  await new PQueue({ concurrency: IN_FLIGHT }).addAll(Array.from({ length: count }, (_, index) => () => work(index)))
}

async function createAll(client: Client, objects: number): Promise<void> {
  await inParallel(objects, async (index) => {
    await client.create(configMaps, settings(index, 'first') as KubeObject)
    const metadata = { namespace: NAMESPACE, name: `keys-${index}` }
    await client.create(secrets, { metadata, stringData: { key: KIBIBYTE } } as KubeObject)
  })
}

async function createUnreferenced(client: Client, count: number): Promise<void> {
  await inParallel(count, async (index) => {
    // As kubectl apply leaves one.
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': KIBIBYTE }
    const metadata = { namespace: 'default', name: `unreferenced-${index}`, annotations }
    await client.create(secrets, { metadata, stringData: { key: KIBIBYTE } } as KubeObject)
  })
}

async function deleteAll(client: Client, objects: number): Promise<void> {
  await inParallel(objects, async (index) => {
    await client.delete(configMaps, { namespace: NAMESPACE, name: `settings-${index}` })
    await client.delete(secrets, { namespace: NAMESPACE, name: `keys-${index}` })
  })
}

/** Seconds until the leaf shows every change. */
async function change(root: Client, leaf: Client, objects: number): Promise<number> {
  const stop = new AbortController()
  const copies = new Informer({ client: leaf, resource: configMaps, namespace: NAMESPACE, labelSelector: 'bench=sync' })
  const following = copies.run(stop.signal)
  await copies.synced
  const changed = new Set<string>()
  const all = Promise.withResolvers<void>()
  copies.subscribe(({ object }) => {
    if (object.data?.value === 'second') changed.add(object.metadata.name)
    if (changed.size === objects) all.resolve()
  })
  const started = performance.now()
  await inParallel(objects, async (index) => {
    await root.patch(
      configMaps,
      { namespace: NAMESPACE, name: `settings-${index}` },
      { data: { value: 'second' } },
      { type: 'merge' },
    )
  })
  await all.promise
  const seconds = (performance.now() - started) / 1000
  stop.abort()
  await following
  return seconds
}

const listed = (values: Readonly<Record<string, number>>, least: number) =>
  Object.entries(values)
    .filter(([, value]) => value >= least)
    .map(([what, value]) => `${what} ${value.toFixed(2)}`)
    .join(', ')

/** For a terminal. */
export function describeSync(result: SyncResult): string {
  const { pods, objects, unreferenced, direct, tree, ratio, idle } = result
  const rates = Object.entries(idle.requestsPerSecond).map(([kind, rate]) => `${kind} ${rate.toFixed(2)}`)
  return [
    `${pods} pods that share ${objects} ConfigMaps and ${objects} Secrets; ${unreferenced} Secrets that nobody needs`,
    `direct ${direct.podsPerSecond.toFixed(1)} pods/s, tree ${tree.podsPerSecond.toFixed(1)} pods/s: ratio ${ratio.toFixed(2)}`,
    `${result.cpuMsPerPod.toFixed(1)} ms CPU a pod, peak RSS ${result.peakRssMiB.toFixed(0)} MiB, ${result.listsInSteadyState} lists`,
    `all ConfigMaps changed in the leaf after ${result.changeToAllCopiesSeconds.toFixed(1)} s`,
    `a change costs ms CPU: ${listed(result.change.cpuMs, 0.05)}; requests: ${listed(result.change.requests, 0.01)}`,
    `at rest ${idle.cpuPercent.toFixed(1)} % of a core, requests a second: ${rates.join(', ')}`,
    ...Object.entries(result.requestsPerPod)
      .filter(([, requests]) => requests >= 0.01)
      .map(([kind, requests]) => `${kind.padEnd(20)}${requests.toFixed(2)} a pod`),
  ].join('\n')
}
