import type { NodeConfigSpec } from '@kosmos/api'
import { findIpsecImplementation } from './ipsec/implementation.ts'
import type { Converged } from './kernel/converge.ts'
import { createNodeKernel, type NodeKernel } from './kernel/node-kernel.ts'
import { loadKeys } from './keys/keys.ts'
import type { Host } from './network.fixture.ts'
import { findImplementation } from './wireguard/tunnel.ts'

/** What an agent that starts makes of a host's kernel. */
export async function kernelOf({ shell, stateDir }: Host): Promise<NodeKernel> {
  const implementations = { wireGuard: await findImplementation(shell), ipsec: await findIpsecImplementation(shell) }
  return createNodeKernel({ shell, stateDir, loadKeys: () => loadKeys(stateDir), implementations })
}

/** Makes the kernel of a host be as the NodeConfig says. */
export async function apply(host: Host, spec: NodeConfigSpec, unreachable: readonly string[] = []): Promise<Converged> {
  return await (await kernelOf(host)).converge(spec, () => new Set(unreachable))
}
