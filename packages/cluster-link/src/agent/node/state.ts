import type { NodeConfigSpec } from '@kosmos/api'
import type { Log } from '@kosmos/kube/process'
import type { IpsecImplementation } from '../ipsec/implementation.ts'
import type { KeptSpec } from '../kept-spec.ts'
import type { NodeKernel } from '../kernel/node-kernel.ts'
import type { Step } from '../kernel/step.ts'
import type { Probes } from '../probe/probes.ts'
import { type Targets, targetsOf } from '../probe/targets.ts'
import type { Shell } from '../shell/shell.ts'
import { watchTools } from '../shell/tools.ts'
import type { Report } from '../status/report.ts'
import type { Autodetection } from '../underlay/method.ts'
import type { Implementation } from '../wireguard/tunnel.ts'

export interface NodeStateOptions {
  readonly shell: Shell
  readonly stateDir: string
  /** How the underlay is found while the NodeConfig says nothing of it. */
  readonly autodetection: Autodetection
  /** Called whenever something is known that was not before. */
  readonly onReport: () => void
  readonly log: Log
}

/** What an agent works on; each is looked after under a key of its own. */
export type Key = 'kernel' | 'succession' | 'underlay'

/** Has something looked after soon. */
export type Enqueue = (key: Key) => void

/** What an agent has and knows of its node. */
export interface NodeState extends NodeStateOptions {
  wanted: KeptSpec | undefined
  /** What of that is on disk. */
  kept: KeptSpec | undefined
  known: Omit<Report, 'nextHops'>
  /** Programs that were asked for in vain. */
  missing: readonly string[]
  underlayProblem: string | undefined
  kernel: NodeKernel | undefined
  implementations: { readonly wireGuard: Implementation; readonly ipsec: IpsecImplementation } | undefined
  probes: Probes | undefined
  /** All that were ever wanted. */
  devices: ReadonlySet<string>
  /** How often in a row the kernel was not as it should be, in the same way or at all. */
  unrest: number
  lastSteps: readonly Step[]
  /** Milliseconds since 1970; undefined: no peer is about to go over to its next keys. */
  awaitingSince: number | undefined
}

export function startState(options: NodeStateOptions): NodeState {
  const state: NodeState = {
    ...options,
    shell: watchTools(options.shell, (tools) => {
      state.missing = tools
      options.onReport()
    }),
    wanted: undefined,
    kept: undefined,
    known: {},
    missing: [],
    underlayProblem: undefined,
    kernel: undefined,
    implementations: undefined,
    probes: undefined,
    devices: new Set(),
    unrest: 0,
    lastSteps: [],
    awaitingSince: undefined,
  }
  return state
}

/** Has what is new reported. */
export function learn(state: NodeState, news: Omit<Report, 'nextHops'>): void {
  state.known = { ...state.known, ...news }
  state.onReport()
}

/** Next hops of a NodeConfig that do not answer. */
export function silentIn({ probes }: NodeState, spec: NodeConfigSpec): Set<string> {
  return new Set(addressesOf(targetsOf(spec)).filter((address) => probes?.of(address)?.isReachable === false))
}

export function addressesOf({ urgent, others }: Targets): string[] {
  return [...urgent, ...others]
}
