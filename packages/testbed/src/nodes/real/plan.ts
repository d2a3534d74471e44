import path from 'node:path'
import { formatRange, nthAddress, nthSubrange, parseRange } from './ipv4.ts'
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

/** What a node has to know about its cluster. */
export interface ClusterNetwork {
  readonly name: string
  readonly podCidr: string
  readonly serviceCidr: string
}

/** Nodes `<cluster>-node-<n>` numbered from `first`, each with a /24 of the cluster's pod range. */
export function planNodes(
  testbedDir: string,
  cluster: ClusterNetwork,
  first: number,
  addresses: readonly string[],
): NodePlan[] {
  return addresses.map((address, i) => {
    const name = `${cluster.name}-node-${first + i}`
    return {
      cluster: cluster.name,
      name,
      address,
      podCidr: formatRange(nthSubrange(parseRange(cluster.podCidr), 24, first + i)),
      cgroup: `/${cgroupName(testbedDir)}/${name}`,
      dir: path.join(testbedDir, 'nodes', name),
    }
  })
}

/** The cluster's DNS server: by custom the tenth address of the service range. */
export function dnsAddress(serviceCidr: string): string {
  return nthAddress(parseRange(serviceCidr), 10)
}
