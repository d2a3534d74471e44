import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@kosmos/kube'
import { downTestbed, type Progress, type Testbed, upTestbed } from '@kosmos/testbed'
import { clusterTree } from '../../platform/components.ts'
import { pidOf, upKosmos } from '../../platform/kosmos.ts'
import { setTreeOptions } from '../../platform/tree-options.ts'
import { NAMESPACE, onCluster } from '../on-cluster.ts'
import { cpuMs, peakRssMiB } from '../process-usage.ts'
import { type LoadResult, runLoad } from './load.ts'
import { type Model, nodeModel } from './model.ts'
import { type SinglePod, singlePod } from './single.ts'
import { between, lists, snapshot, type Where } from './where.ts'

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
    readonly single: SinglePod
  }
  readonly ratio: number
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
  readonly progress: Progress
}

/** Simulated nodes: enough for the pods at 500 a node, and as many as make the leaf's scheduler choose. */
const nodesFor = (count: number) => Math.max(10, Math.ceil(count / 400))

/** Measures pod throughput straight on a leaf and through the tree, on a test bed of its own, which is removed after. */
export async function benchPods(options: PodsOptions): Promise<PodsRun> {
  const { count, progress } = options
  const name = `bench-${process.pid}`
  const testbed = await upTestbed({ name, leaves: 1, nodes: `kwok:${nodesFor(count)}`, progress })
  try {
    return await measure(testbed, options)
  } finally {
    await downTestbed(name, progress)
  }
}

async function measure(testbed: Testbed, { count, model, tokens, progress }: PodsOptions): Promise<PodsRun> {
  const [leaf] = testbed.leaves
  if (!leaf) throw new Error('the test bed has no leaf')
  const { metrics } = await upKosmos(testbed, progress)
  const pid = pidOf(testbed, clusterTree)
  const load = (kubeconfig: string, whileRunning = async (_client: Client) => {}) =>
    onCluster(kubeconfig, (client) =>
      runLoad({ client, namespace: NAMESPACE, count, whileRunning: () => whileRunning(client) }),
    )
  if (tokens) {
    const { server: rootAPIServer } = testbed.root
    await onCluster(testbed.root.kubeconfig, (root) => setTreeOptions(root, leaf.name, { rootAPIServer }))
  }
  if (model === 'node') await onCluster(testbed.root.kubeconfig, (root) => nodeModel(root, leaf))

  progress.step(`${count} pods straight on the leaf`)
  const start = await snapshot(testbed, metrics)
  const direct = await load(leaf.kubeconfig)
  progress.step(`${direct.podsPerSecond.toFixed(1)} pods/s; ${count} pods through the tree`)
  const middle = await snapshot(testbed, metrics)
  const before = cpuMs(pid)
  let quiet = { idleCpuPercent: 0, single: { bindToCopyMs: 0, statusMs: 0 }, tookMs: 0 }
  const tree = await load(testbed.root.kubeconfig, async (root) => {
    progress.step('nothing but one pod at a time')
    quiet = await onCluster(leaf.kubeconfig, (leaf) => whileQuiet(pid, root, leaf))
  })
  progress.step(`${tree.podsPerSecond.toFixed(1)} pods/s`)
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

/** Two Leases of a node, and a heartbeat of the leaf every ten seconds. */
const IDLE_SECONDS = 30

/** What is there costs while nothing changes, then how long one pod takes; `tookMs`: CPU of all that. */
async function whileQuiet(pid: number, root: Client, leaf: Client) {
  const start = cpuMs(pid)
  // What the last status patches have stirred up.
  await sleep(5_000)
  const idle = cpuMs(pid)
  await sleep(IDLE_SECONDS * 1_000)
  const idleCpuPercent = (cpuMs(pid) - idle) / (IDLE_SECONDS * 10)
  const single = await singlePod({ root, leaf, namespace: NAMESPACE, samples: 20 })
  return { idleCpuPercent, single, tookMs: cpuMs(pid) - start }
}
