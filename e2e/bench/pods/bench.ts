import { Client, Connection, createTransport, loadKubeConfig, namespaces, serviceAccounts } from '@kosmos/kube'
import { downTestbed, type Progress, type Testbed, upTestbed } from '@kosmos/testbed'
import { clusterTreePid, upKosmos } from '../../platform/kosmos.ts'
import { type LoadResult, runLoad } from './load.ts'
import { cpuMs, peakRssMiB } from './process-usage.ts'

export interface PodsResult {
  readonly count: number
  readonly direct: LoadResult
  readonly tree: LoadResult & {
    /** User and system time of our processes over creation and deletion, per pod. */
    readonly cpuMsPerPod: number
    readonly peakRssMiB: number
    readonly listsInSteadyState: number
  }
  readonly ratio: number
}

export interface PodsOptions {
  readonly count: number
  readonly progress: Progress
}

const NAMESPACE = 'bench'

/** Simulated nodes: enough for the pods at 500 a node, and as many as make the leaf's scheduler choose. */
const nodesFor = (count: number) => Math.max(10, Math.ceil(count / 400))

/** Measures pod throughput straight on a leaf and through the tree, on a test bed of its own, which is removed after. */
export async function benchPods({ count, progress }: PodsOptions): Promise<PodsResult> {
  const name = `bench-${process.pid}`
  const testbed = await upTestbed({ name, leaves: 1, nodes: `kwok:${nodesFor(count)}`, progress })
  try {
    return await measure(testbed, count, progress)
  } finally {
    await downTestbed(name, progress)
  }
}

async function measure(testbed: Testbed, count: number, progress: Progress): Promise<PodsResult> {
  const [leaf] = testbed.leaves
  if (!leaf) throw new Error('the test bed has no leaf')
  const { metrics } = await upKosmos(testbed, progress)
  const pid = clusterTreePid(testbed)

  progress.step(`${count} pods straight on the leaf`)
  const direct = await onCluster(leaf.kubeconfig, (client) => runLoad({ client, namespace: NAMESPACE, count }))
  progress.step(`${direct.podsPerSecond.toFixed(1)} pods/s; ${count} pods through the tree`)
  const listsBefore = await lists(metrics)
  const before = cpuMs(pid)
  const tree = await onCluster(testbed.root.kubeconfig, (client) => runLoad({ client, namespace: NAMESPACE, count }))
  progress.step(`${tree.podsPerSecond.toFixed(1)} pods/s`)
  return {
    count,
    direct,
    tree: {
      ...tree,
      cpuMsPerPod: (cpuMs(pid) - before) / count,
      peakRssMiB: peakRssMiB(pid),
      listsInSteadyState: (await lists(metrics)) - listsBefore,
    },
    ratio: tree.podsPerSecond / direct.podsPerSecond,
  }
}

async function onCluster<T>(kubeconfig: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = new Connection('bench', await createTransport(loadKubeConfig({ file: kubeconfig })))
  const client = new Client(connection, 'bench')
  try {
    await client.create(namespaces, { metadata: { name: NAMESPACE } })
    while (!(await client.get(serviceAccounts, { namespace: NAMESPACE, name: 'default' }))) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return await work(client)
  } finally {
    await connection.close()
  }
}

/** How many LIST requests our process has made so far. */
async function lists(metrics: string): Promise<number> {
  const text = await (await fetch(metrics)).text()
  const samples = text.matchAll(/^kosmos_api_requests_total\{[^}]*verb="list"[^}]*\} (\d+)$/gm)
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
}
