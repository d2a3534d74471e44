import type { NodeConfigSpec } from '@kosmos/api'
import { type Converged, converge } from './converge.ts'
import { holdKernel, type NodeKernelOptions } from './held.ts'
import { reroute } from './reroute.ts'
import type { Step } from './step.ts'
import { type Succession, succeed } from './succeed.ts'

/** The kernel of one node. */
export interface NodeKernel {
  /**
   * Makes it be as the NodeConfig says, all of it or nothing; throws with what the kernel refused.
   * @param unreachable next hops that do not answer, when it comes to writing
   */
  converge(spec: NodeConfigSpec, unreachable: () => ReadonlySet<string>): Promise<Converged>
  /** Makes the routes of the last NodeConfig be as they should, nothing else, and fast: also while `converge` reads. */
  reroute(unreachable: () => ReadonlySet<string>): Promise<readonly Step[]>
  /** Goes along with peers that have gone over to their next keys, nothing else, and fast. */
  succeed(): Promise<Succession>
}

export function createNodeKernel(options: NodeKernelOptions): NodeKernel {
  const held = holdKernel(options)
  return {
    converge: (spec, unreachable) => converge(held, spec, unreachable),
    reroute: (unreachable) => reroute(held, unreachable),
    succeed: () => succeed(held),
  }
}
