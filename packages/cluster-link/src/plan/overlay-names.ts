import type { LinkNetwork } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { bridgeOverlay, localOverlay } from './addresses.ts'

/** The node, as `cluster/node`, that has an overlay address. */
export const overlayNames = oncePer((network: LinkNetwork): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const cluster of network.values()) {
    for (const node of cluster.nodes.values()) {
      for (const { ip, ip6 } of [bridgeOverlay(cluster, node), localOverlay(cluster, node)]) {
        for (const address of [ip, ip6]) if (address) names.set(address, `${cluster.name}/${node.name}`)
      }
    }
  }
  return names
})
