import type { Client } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { age } from '../output/age.ts'
import type { Listing } from './listing.ts'

/** The Clusters of the root with what their conditions say. */
export async function listClusters(root: Client): Promise<Listing> {
  const found = await root.listAll(clusters)
  return {
    items: found,
    head: ['name', 'reachable', 'credentials', 'nodes ready', 'version', 'virtual nodes', 'age'],
    wide: ['reason'],
    rows: found.map(({ metadata, status }) => {
      const is = (type: string) => status?.conditions?.find((condition) => condition.type === type)
      const wrong = status?.conditions?.find((condition) => condition.status !== 'True')
      return {
        cells: [
          metadata.name,
          is('Reachable')?.status ?? 'Unknown',
          is('CredentialsValid')?.status ?? 'Unknown',
          is('VirtualNodesReady')?.status ?? 'Unknown',
          status?.version ?? '',
          String(status?.virtualNodes ?? ''),
          age(metadata.creationTimestamp),
        ],
        wide: [wrong === undefined ? '' : `${wrong.reason}: ${wrong.message}`],
      }
    }),
  }
}
