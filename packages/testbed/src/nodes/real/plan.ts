import path from 'node:path'
import { cgroupName } from './naming.ts'
import type { Cni } from './network/cni.ts'

/** Everything about a real node that is decided before it starts. */
export interface NodePlan {
  readonly cluster: string
  readonly name: string
  /** Its address in the underlay, and its name in the certificates. */
  readonly address: string
  /** The range of its pods. */
  readonly podCidr: string
  readonly cni: Cni
  /** Parent cgroup of its containers, from the root of each hierarchy. */
  readonly cgroup: string
  /** Its files on the host. */
  readonly dir: string
}

/** The nth node (from 1) of a cluster, `<cluster>-node-<n>`. */
export function planNode(
  testbedDir: string,
  cluster: string,
  n: number,
  network: Pick<NodePlan, 'address' | 'podCidr' | 'cni'>,
): NodePlan {
  const name = `${cluster}-node-${n}`
  return {
    cluster,
    name,
    ...network,
    cgroup: `/${cgroupName(testbedDir)}/${name}`,
    dir: path.join(testbedDir, 'nodes', name),
  }
}
