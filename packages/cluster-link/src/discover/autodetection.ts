import type { ClusterLinkOptions } from '@kosmos/api'

const exactly = (name: string) => `interface=^${name.replace(/[^\w-]/g, '\\$&')}$`

/** How a node finds the address that its tunnels start from: by what was said of the node, else of all, else by itself. */
export function autodetectionOf(
  { nicNodeNames = [], defaultNICName, autodetectionMethod }: ClusterLinkOptions,
  node: string,
): string {
  const own = nicNodeNames.find(({ nodeName }) => nodeName.includes(node))
  if (own) return exactly(own.interfaceName)
  if (autodetectionMethod) return autodetectionMethod
  return defaultNICName === '*' || defaultNICName === '' ? 'first-found' : exactly(defaultNICName)
}
