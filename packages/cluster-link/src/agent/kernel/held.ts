import type { NodeConfigSpec } from '@kosmos/api'
import { createCharon } from '../ipsec/charon.ts'
import type { IpsecImplementation } from '../ipsec/implementation.ts'
import type { Keys } from '../keys/keys.ts'
import type { Shell } from '../shell/shell.ts'
import { createTunnels, type Implementation } from '../wireguard/tunnel.ts'
import { nftWords } from './nft-words.ts'
import type { KernelState, Link, WireGuard } from './state.ts'
import type { Step } from './step.ts'
import type { Programs } from './write.ts'

export interface NodeKernelOptions {
  readonly shell: Shell
  readonly stateDir: string
  /** The keys as they are now; they may be others the next time. */
  readonly loadKeys: () => Promise<Keys>
  /** For devices that are not there yet. */
  readonly implementations: { readonly wireGuard: Implementation; readonly ipsec: IpsecImplementation }
}

/** What is remembered of a kernel from one change to the next, and how it is written. */
export interface HeldKernel extends NodeKernelOptions {
  readonly programs: Programs
  readonly inWordsOfNft: (table: string) => Promise<string>
  /** Whoever writes waits for who does already. */
  readonly inTurn: <T>(write: () => Promise<T>) => Promise<T>
  lastSet: ReadonlyMap<string, WireGuard>
  last: Applied | undefined
  /** Steps of reroutes since the kernel is being read, which may have been read before them or after. */
  meanwhile: Step[] | undefined
}

/** What a converge came to. */
interface Applied {
  readonly spec: NodeConfigSpec
  readonly hasIpv6: boolean
  readonly links: readonly Link[]
  readonly routes: KernelState['routes']
  readonly ipsecs: KernelState['ipsecs']
}

export function holdKernel(options: NodeKernelOptions): HeldKernel {
  const { shell, stateDir, loadKeys } = options
  return {
    ...options,
    programs: {
      tunnels: createTunnels(shell, stateDir, async () => (await loadKeys()).wireGuard),
      charon: createCharon(shell, stateDir, async () => (await loadKeys()).ipsec),
    },
    inWordsOfNft: nftWords(shell),
    inTurn: turns(),
    lastSet: new Map(),
    last: undefined,
    meanwhile: undefined,
  }
}

function turns(): HeldKernel['inTurn'] {
  let turn: Promise<unknown> = Promise.resolve()
  return (write) => {
    const mine = turn.then(write)
    turn = mine.catch(() => {})
    return mine
  }
}
