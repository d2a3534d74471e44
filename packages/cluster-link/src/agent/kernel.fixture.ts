import type { NodeConfigSpec } from '@kosmos/api'
import { findIpsecImplementation } from './ipsec/implementation.ts'
import { loadIpsecKey } from './ipsec/key.ts'
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
  const loadKey = () => loadIpsecKey(stateDir)
  const ipsec = {
    publicKey: (await loadKey()).publicKey,
    loadKey,
    implementation: await findIpsecImplementation(shell),
  }
  const implementation = await findImplementation(shell)
  const kernel = createNodeKernel({ shell, stateDir, keyPair, implementation, ipsec })
  return await kernel.converge(spec, new Set(unreachable))
}
