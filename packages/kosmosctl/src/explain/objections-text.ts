import type { Objection, Rule } from '@kosmos/scheduler'
import { table } from '../output/table.ts'

/** What a rule says against a node, for people. */
const sentences: Readonly<Record<Rule, string>> = {
  notReady: 'it is not Ready',
  cordoned: 'it is cordoned',
  selector: 'node selector or affinity of the pod are for others',
  distribution: 'its DistributionPolicy is for other nodes',
  volume: 'its volumes are elsewhere',
  taint: 'a taint that the pod does not tolerate',
  noAllocation: 'its WorkloadPolicy gives nothing there',
  allocationFull: 'the places that its WorkloadPolicy gives there are taken',
  refused: 'the leaf has lately found no node for such a pod',
  reserved: 'it is kept for a pod that comes first',
  noRoom: 'none of its machines has room',
}

/** So many are enough to see what is wrong; the others are in the JSON. */
const MOST = 20

/** Nodes and what is against them, for people. */
export function objectionsText(objections: readonly Objection[]): string {
  const rows = objections
    .slice(0, MOST)
    .map(({ node, rule, detail }) => [node, `${sentences[rule]}${detail === undefined ? '' : `: ${detail}`}`])
  const more = objections.length > MOST ? [`and ${objections.length - MOST} more`] : []
  return [table(['not on', 'since'], rows), ...more].join('\n')
}
