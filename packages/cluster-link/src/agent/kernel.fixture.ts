import type { NodeConfigSpec } from '@kosmos/api'
import { type Converged, createNodeKernel } from './kernel/converge.ts'
import type { Host } from './network.fixture.ts'
import { loadKeyPair } from './wireguard/key.ts'
import { findImplementation } from './wireguard/tunnel.ts'

/** Makes the kernel of a host be as the NodeConfig says, as an agent that starts does. */
export async function apply(
  { shell, stateDir }: Host,
  spec: NodeConfigSpec,
  unreachable: readonly string[] = [],
): Promise<Converged> {
  const keyPair = await loadKeyPair(stateDir)
  const kernel = createNodeKernel({ shell, stateDir, keyPair, implementation: await findImplementation(shell) })
  return await kernel.converge(spec, new Set(unreachable))
}
