import { hasClusterLink, hasClusterTree } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { age } from '../output/age.ts'
import type { Listing } from './listing.ts'

/** The Clusters of the root with what their conditions say. */
export async function listClusters(root: Client): Promise<Listing> {
  const found = await root.listAll(clusters)
  return {
    items: found,
    head: ['name', 'reachable', 'credentials', 'nodes ready', 'linked', 'version', 'virtual nodes', 'age'],
    wide: ['reason'],
    rows: found.map((cluster) => {
      const { metadata, status } = cluster
      const is = (type: string) => status?.conditions?.find((condition) => condition.type === type)
      const meant = (type: string) => (type === 'Linked' ? hasClusterLink(cluster) : hasClusterTree(cluster))
      const said = (type: string) => (meant(type) ? (is(type)?.status ?? 'Unknown') : '')
      const wrong = status?.conditions?.find(({ type, status }) => status !== 'True' && meant(type))
      return {
        cells: [
          metadata.name,
          said('Reachable'),
          said('CredentialsValid'),
          said('VirtualNodesReady'),
          said('Linked'),
          status?.version ?? '',
          String(status?.virtualNodes ?? ''),
          age(metadata.creationTimestamp),
        ],
        wide: [wrong === undefined ? '' : `${wrong.reason}: ${wrong.message}`],
      }
    }),
  }
}
