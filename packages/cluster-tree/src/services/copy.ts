import { importedByLabel, rootClusterLabel } from '@kosmos/api'
import type { KubeObject, Service } from '@kosmos/kube'
import { copyMetadata } from '../copies/identity.ts'

/**
 * The Service by which pods in a leaf find the root's by its name: the same ports, with an address of the leaf, and for its
 * endpoints our copies alone, so that the leaf itself follows their addresses and whether they are ready. How the root's is
 * reached from outside (node ports, load balancers, external addresses) stays the root's. A virtual node is the leaf, so what
 * is to stay on a node may go to all of it. Pure.
 */
export function serviceCopy(root: Service, rootClusterId: string): KubeObject {
  const { spec = {} } = root
  const { type, externalName, clusterIP, ports, selector, ipFamilyPolicy } = spec
  const { sessionAffinity, sessionAffinityConfig, publishNotReadyAddresses, trafficDistribution } = spec
  const isSelecting = selector !== undefined && Object.keys(selector).length > 0
  const copy = {
    metadata: copyMetadata(root, rootClusterId),
    spec: {
      type: type === 'ExternalName' ? type : 'ClusterIP',
      ...(externalName && { externalName }),
      ...(clusterIP === 'None' && { clusterIP }),
      ...(ports && { ports: ports.map(({ nodePort: _, ...port }) => port) }),
      ...(isSelecting && { selector: { ...selector, [rootClusterLabel]: rootClusterId } }),
      // A leaf may have one family only.
      ...(ipFamilyPolicy && ipFamilyPolicy !== 'SingleStack' && { ipFamilyPolicy: 'PreferDualStack' }),
      ...(sessionAffinity && { sessionAffinity }),
      ...(sessionAffinityConfig && { sessionAffinityConfig }),
      ...(publishNotReadyAddresses !== undefined && { publishNotReadyAddresses }),
      ...(trafficDistribution && { trafficDistribution }),
    },
  }
  return copy
}

/**
 * Those of the cluster itself (its API server, its DNS) each cluster has for itself, and so what stands for a Service that linked
 * clusters share.
 */
export function isCopied({ metadata }: KubeObject): boolean {
  if (metadata?.namespace === 'kube-system' || metadata?.labels?.[importedByLabel] !== undefined) return false
  return metadata?.name !== 'kubernetes' || metadata.namespace !== 'default'
}
