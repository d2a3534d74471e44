import path from 'node:path'
import { formatRange, nthSubrange, parseRange } from './ipv4.ts'
import { cgroupName } from './naming.ts'

/** Everything about a real node that is decided before it starts. */
export interface NodePlan {
  readonly cluster: string
  readonly name: string
  /** Its address in the underlay, and its name in the certificates. */
  readonly address: string
  /** The range of its pods. */
  readonly podCidr: string
  /** Parent cgroup of its containers, from the root of each hierarchy. */
  readonly cgroup: string
  /** Its files on the host. */
  readonly dir: string
}

/** Simulated nodes of the same cluster hand out addresses from the beginning of the range. */
const firstPodRange = 128

/** Nodes `<cluster>-node-<n>`, each with a /24 from the upper half of the cluster's pod range (a /16). */
export function planNodes(
  testbedDir: string,
  cluster: { readonly name: string; readonly network: { readonly podCIDR: string } },
  addresses: readonly string[],
): NodePlan[] {
  return addresses.map((address, i) => {
    const name = `${cluster.name}-node-${i + 1}`
    return {
      cluster: cluster.name,
      name,
      address,
      podCidr: formatRange(nthSubrange(parseRange(cluster.network.podCIDR), 24, firstPodRange + i)),
      cgroup: `/${cgroupName(testbedDir)}/${name}`,
      dir: path.join(testbedDir, 'nodes', name),
    }
  })
}
