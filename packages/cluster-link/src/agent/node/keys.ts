import type { NodeConfigSpec } from '@kosmos/api'
import { followKeys, loadKeys } from '../keys/keys.ts'
import { learn, type NodeState } from './state.ts'

/** Makes keys that are asked for, and tells the public halves when the kernel had the chance to go over to them. */
export async function withKeys<T>(
  state: NodeState,
  { keys: asked }: NodeConfigSpec,
  work: () => Promise<T>,
): Promise<T> {
  const { stateDir, implementations } = state
  const keys = await followKeys(stateDir, asked)
  try {
    return await work()
  } finally {
    const { wireGuard, ipsec } = await loadKeys(stateDir)
    learn(state, {
      wireGuard: {
        publicKey: wireGuard.publicKey,
        implementation: implementations?.wireGuard === 'tun' ? 'wireguard-go' : 'kernel',
      },
      ipsec: {
        publicKey: ipsec.publicKey,
        implementation: implementations?.ipsec === 'xfrm' ? 'kernel' : 'libipsec',
      },
      keys,
    })
  }
}
