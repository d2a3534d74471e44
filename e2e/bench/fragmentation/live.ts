import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, namespaces, nodes } from '@kosmos/kube'
import { downTestbed, type Progress, upTestbed } from '@kosmos/testbed'
import { upKosmos } from '../../platform/kosmos.ts'
import { onCluster } from '../on-cluster.ts'
import { LiveLoad, type LiveSide } from './live-load.ts'
import type { ModelOptions } from './model.ts'
import { machinesOfLeaf } from './shapes.ts'

/** What `npm run bench -- fragmentation --live --json` prints: both sides on the same clusters, one after the other. */
export interface LiveFragmentationResult extends ModelOptions {
  readonly stock: LiveSide
  readonly kosmos: LiveSide
}

/** The same pods on real control planes, whose leaf nodes are simulated: by the stock scheduler in the root, then by ours before it. */
export async function benchLiveFragmentation(
  options: ModelOptions,
  progress: Progress,
): Promise<LiveFragmentationResult> {
  const name = `bench-${process.pid}`
  const testbed = await upTestbed({
    name,
    leaves: options.leaves,
    nodes: `kwok:${machinesOfLeaf.length}`,
    endsWithProcess: true,
    progress,
  })
  try {
    for (const leaf of testbed.leaves) await onCluster(leaf.kubeconfig, resizeNodes)
    await upKosmos(testbed, progress, { scheduler: true })
    // The virtual nodes tell of their leaf nodes.
    await sleep(8_000)
    const root = testbed.root.kubeconfig
    const leaves = testbed.leaves.map(({ kubeconfig }) => kubeconfig)
    const side = async (namespace: string, labels: Record<string, string>) =>
      await onCluster(root, async (client) => {
        await client.create(namespaces, { metadata: { name: namespace, labels } })
        return await new LiveLoad(client, leaves, namespace, options).run()
      })
    progress.step(`${options.pods} pods by the stock scheduler`)
    const stock = await side('stock', {})
    progress.step('the same in a namespace that minds room')
    const kosmos = await side('kosmos', { 'kosmos.io/placement': 'best-fit' })
    return { ...options, stock, kosmos }
  } finally {
    await downTestbed(name, progress)
  }
}

/** Gives the simulated nodes of a leaf the sizes of the model. */
async function resizeNodes(client: Client): Promise<void> {
  for (const [i, { metadata }] of (await client.listAll(nodes)).entries()) {
    const { cpu, memory, pods } = machinesOfLeaf[i] ?? machinesOfLeaf[0] ?? { cpu: 0, memory: 0, pods: 0 }
    const capacity = { cpu: `${cpu}m`, memory: `${memory}Mi`, pods: `${pods}` }
    const status = { capacity, allocatable: capacity }
    await client.patch(nodes, { name: metadata.name }, { status }, { type: 'merge', subresource: 'status' })
  }
}

export function describeLiveFragmentation({ stock, kosmos, use, leaves }: LiveFragmentationResult): string {
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`
  const line = (side: LiveSide) =>
    `${side.unschedulableInLeaf} of ${side.inLeaves} pods found no node in their leaf (${percent(side.unschedulableShare)}), ${side.pendingAtEnd} still Pending there at the end, ${side.waitingAtEnd} in the root; ${percent(side.density)} used of ${percent(side.bound)}; the longest wait of a large one ${side.longestWaitOfLargeSeconds.toFixed(0)} s`
  return [
    `real control planes: ${leaves} leaves, pods that ask for ${percent(use)} of them`,
    `stock scheduler  ${line(stock)}`,
    `Kosmos           ${line(kosmos)}`,
  ].join('\n')
}
