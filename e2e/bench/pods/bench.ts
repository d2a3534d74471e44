import type { Client, Pod } from '@kosmos/kube'
import { downTestbed, type Progress, type Testbed, upTestbed } from '@kosmos/testbed'
import { clusterTree } from '../../platform/components.ts'
import { pidOf, upKosmos } from '../../platform/kosmos.ts'
import { type Model, nodeModel } from '../../platform/node-model.ts'
import { setTreeOptions } from '../../platform/tree-options.ts'
import { idle } from '../idle.ts'
import { NAMESPACE, onCluster } from '../on-cluster.ts'
import { cpuMs, peakRssMiB, rssKiB } from '../process-usage.ts'
import { forEachConfigMap, podWithConfigMap } from './configmaps.ts'
import { askToken } from './kubelet-token.ts'
import { type LoadResult, runLoad } from './load.ts'
import { type SinglePod, singlePod } from './single.ts'
import { between, lists, requestsOf, snapshot, type Where } from './where.ts'

export interface PodsResult {
  readonly count: number
  readonly direct: LoadResult
  readonly tree: LoadResult & {
    /** User and system time of our processes over creation and deletion, per pod. */
    readonly cpuMsPerPod: number
    readonly peakRssMiB: number
    readonly listsInSteadyState: number
    /** Our processes, of one core, while all pods are there and nothing changes. */
    readonly idleCpuPercent: number
    /** The same with its memory at that time; what counts besides the pods is in it as well. */
    readonly rest: Rest
    readonly single: SinglePod
  }
  readonly ratio: number
}

/** Our processes while all pods are there and nothing changes. */
export interface Rest {
  /** For how long. */
  readonly seconds: number
  /** Of one core. */
  readonly cpuPercent: number
  readonly rssMiB: number
  /** ConfigMaps of a kibibyte that pods mount, each one of its own. */
  readonly configMaps: number
}

/** A result, and what explains it. */
export interface PodsRun {
  readonly result: PodsResult
  readonly where: { readonly direct: Where; readonly tree: Where }
}

export interface PodsOptions {
  readonly count: number
  readonly model: Model
  /** Whether they get tokens for the root's API server. */
  readonly tokens: boolean
  /** Whether each mounts a ConfigMap of its own. */
  readonly configmaps: boolean
  /** How many seconds of rest are measured. */
  readonly rest: number
  readonly progress: Progress
}

/** Simulated nodes: enough for the pods at 500 a node, and as many as make the leaf's scheduler choose. */
const nodesFor = (count: number) => Math.max(10, Math.ceil(count / 400))

/** Measures pod throughput straight on a leaf and through the tree, on a test bed of its own, which is removed after. */
export async function benchPods(options: PodsOptions): Promise<PodsRun> {
  const { count, progress } = options
  const name = `bench-${process.pid}`
  const testbed = await upTestbed({
    name,
    leaves: 1,
    nodes: `kwok:${nodesFor(count)}`,
    endsWithProcess: true,
    progress,
  })
  try {
    return await measure(testbed, options)
  } finally {
    await downTestbed(name, progress)
  }
}

async function measure(testbed: Testbed, options: PodsOptions): Promise<PodsRun> {
  const { count, model, tokens, configmaps, progress } = options
  const [leaf] = testbed.leaves
  if (!leaf) throw new Error('the test bed has no leaf')
  const { metrics = '' } = await upKosmos(testbed, progress, { plainMetrics: true })
  const pid = pidOf(testbed, clusterTree)
  const load = (kubeconfig: string, { whileRunning = async () => {}, asKubelet }: Steps = {}) =>
    onCluster(kubeconfig, async (client) => {
      const common = {
        client,
        namespace: NAMESPACE,
        count,
        ...(asKubelet && { asKubelet: (pod: Pod) => asKubelet(client, pod) }),
        whileRunning: () => whileRunning(client),
      }
      if (!configmaps) return await runLoad(common)
      await forEachConfigMap(client, common, 'create')
      const result = await runLoad({ ...common, podOf: podWithConfigMap })
      await forEachConfigMap(client, common, 'delete')
      return result
    })
  if (tokens) {
    const { server: rootAPIServer } = testbed.root
    await onCluster(testbed.root.kubeconfig, (root) => setTreeOptions(root, leaf.name, { rootAPIServer }))
  }
  if (model === 'node') await onCluster(testbed.root.kubeconfig, (root) => nodeModel(root, leaf))

  progress.step(`${count} pods straight on the leaf`)
  const start = await snapshot(testbed, metrics)
  // Through the tree the leaf's kubelet has none to ask for: the pod mounts a Secret with the root's.
  const direct = await load(leaf.kubeconfig, tokens ? { asKubelet: askToken } : {})
  progress.step(`${direct.podsPerSecond.toFixed(1)} pods/s; ${count} pods through the tree`)
  const middle = await snapshot(testbed, metrics)
  const before = cpuMs(pid)
  let quiet: Quiet | undefined
  const tree = await load(testbed.root.kubeconfig, {
    whileRunning: async (root) => {
      progress.step('nothing but one pod at a time')
      quiet = await onCluster(leaf.kubeconfig, (leaf) => whileQuiet(options, { pid, metrics, root, leaf }))
    },
  })
  progress.step(`${tree.podsPerSecond.toFixed(1)} pods/s`)
  if (!quiet) throw new Error('the load has ended without a rest')
  const { tookMs, ...whenQuiet } = quiet
  const cpuMsPerPod = (cpuMs(pid) - before - tookMs) / count
  const end = await snapshot(testbed, metrics)
  const result = {
    count,
    direct,
    tree: {
      ...tree,
      cpuMsPerPod,
      peakRssMiB: peakRssMiB(pid),
      listsInSteadyState: lists(end) - lists(middle),
      ...whenQuiet,
    },
    ratio: tree.podsPerSecond / direct.podsPerSecond,
  }
  return { result, where: { direct: between(start, middle, count), tree: between(middle, end, count) } }
}

/** What is done with a load beside creating and deleting it. */
interface Steps {
  readonly whileRunning?: (client: Client) => Promise<void>
  readonly asKubelet?: (client: Client, pod: Pod) => Promise<void>
}

type Quiet = Pick<PodsResult['tree'], 'idleCpuPercent' | 'rest' | 'single'> & { readonly tookMs: number }

/** What is there costs while nothing changes, then how long one pod takes; `tookMs`: CPU of all that. */
async function whileQuiet(
  { count, configmaps, rest: seconds }: PodsOptions,
  { pid, metrics, root, leaf }: { pid: number; metrics: string; root: Client; leaf: Client },
): Promise<Quiet> {
  const start = cpuMs(pid)
  const { cpuPercent } = await idle(pid, () => requestsOf(metrics), seconds)
  const rest = { seconds, cpuPercent, rssMiB: rssKiB(pid) / 1024, configMaps: configmaps ? count : 0 }
  const single = await singlePod({ root, leaf, namespace: NAMESPACE, samples: 20 })
  return { idleCpuPercent: cpuPercent, rest, single, tookMs: cpuMs(pid) - start }
}
