import type { Progress } from '@kosmos/testbed'
import { type ModelOptions, run, type Side } from './model.ts'

/** What `npm run bench -- fragmentation --json` prints: a simulation, the same on every machine. */
export interface FragmentationResult extends ModelOptions {
  /** Both sides with kube-scheduler's defaults in the leaves; in the root the same, or the decisions of Kosmos. */
  readonly stock: Side
  readonly kosmos: Side
}

export function benchFragmentation(options: ModelOptions, progress: Progress): FragmentationResult {
  progress.step(`${options.pods} pods in ${options.leaves} leaves by the stock scheduler`)
  const stock = run('stock', options)
  progress.step('the same by the decisions of Kosmos')
  return { ...options, stock, kosmos: run('kosmos', options) }
}

export function describeFragmentation({ stock, kosmos, use, leaves }: FragmentationResult): string {
  const percent = (part: number) => `${(part * 100).toFixed(2)} %`
  const line = (side: Side) =>
    `${side.pendingInLeaf} of ${side.placements} pods Pending in a leaf (${percent(side.pendingShare)}), ${side.waitedInRoot} waited in the root, one of 16 cores ${side.longestWaitOfLarge} s at most, ${percent(side.density)} used of ${percent(side.bound)}`
  return [
    `simulated: ${leaves} leaves, pods that ask for ${percent(use)} of them`,
    `stock scheduler  ${line(stock)}`,
    `Kosmos           ${line(kosmos)}`,
  ].join('\n')
}
