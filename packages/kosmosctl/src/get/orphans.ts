import { orphanLabel } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { askLeaves } from '../clusters/ask-leaves.ts'
import { age } from '../output/age.ts'
import type { Listing } from './listing.ts'
import { podSummary } from './pod-status.ts'

/** Pods in leaves that the root lost when it was restored from a snapshot; they go on until somebody deletes them there. */
export async function listOrphans(
  root: Client,
  options: { readonly namespace: string | undefined; readonly warn: (text: string) => void },
): Promise<Listing> {
  const found = await askLeaves(root, { ...options, labelSelector: orphanLabel })
  return {
    items: found.map(({ copy }) => copy),
    head: ['cluster', 'namespace', 'name', 'ready', 'status', 'age'],
    wide: ['to delete it'],
    rows: found.map(({ cluster, copy }) => {
      const { namespace = '', name, creationTimestamp } = copy.metadata
      const { ready, status } = podSummary(copy)
      return {
        cells: [cluster, namespace, name, ready, status, age(creationTimestamp)],
        wide: [`kosmosctl delete orphans ${namespace}/${name}`],
      }
    }),
  }
}
