import type { NodeConfigSpec } from '@kosmos/api'
import { findIpsecImplementation } from './ipsec/implementation.ts'
import { loadIpsecKey } from './ipsec/key.ts'
import { type Converged, createNodeKernel, type NodeKernel } from './kernel/converge.ts'
import type { Host } from './network.fixture.ts'
import { loadKeyPair } from './wireguard/key.ts'
import { findImplementation } from './wireguard/tunnel.ts'

/** What an agent that starts makes of a host's kernel. */
export async function kernelOf({ shell, stateDir }: Host): Promise<NodeKernel> {
  const loadKey = () => loadIpsecKey(stateDir)
  const ipsec = {
    publicKey: (await loadKey()).publicKey,
    loadKey,
    implementation: await findIpsecImplementation(shell),
  }
  const keyPair = await loadKeyPair(stateDir)
  return createNodeKernel({ shell, stateDir, keyPair, implementation: await findImplementation(shell), ipsec })
}

/** Makes the kernel of a host be as the NodeConfig says. */
export async function apply(host: Host, spec: NodeConfigSpec, unreachable: readonly string[] = []): Promise<Converged> {
  return await (await kernelOf(host)).converge(spec, new Set(unreachable))
}
