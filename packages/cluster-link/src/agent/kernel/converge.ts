import type { NodeConfigSpec } from '@kosmos/api'
import { namingPort, refuseSharedPorts } from '../ports/taken.ts'
import { desired } from './desired.ts'
import { diff } from './diff.ts'
import { afterStep } from './effect.ts'
import type { HeldKernel } from './held.ts'
import { type Observed, readKernel } from './read.ts'
import { withSessions } from './sessions.ts'
import type { KernelState, Link } from './state.ts'
import type { Step } from './step.ts'
import { writeKernel } from './write.ts'

export interface Converged {
  /** What was changed; empty: nothing. */
  readonly steps: readonly Step[]
  readonly observed: Observed
}

/** Reads the kernel, and has what differs from the NodeConfig written in its turn. */
export async function converge(
  held: HeldKernel,
  spec: NodeConfigSpec,
  unreachable: () => ReadonlySet<string>,
): Promise<Converged> {
  const rerouted: Step[] = []
  held.meanwhile = rerouted
  const observed = await readKernel(held.shell, held.stateDir)
  const facts = await factsOf(held, observed)
  const nft = await held.inWordsOfNft(desired(spec, { ...facts, unreachable: new Set() }).nft)
  return await held.inTurn(async () => {
    held.meanwhile = undefined
    const has = rerouted.reduce(afterStep, observed.state)
    const wants = { ...desired(spec, { ...facts, unreachable: unreachable() }), nft }
    const steps = await write(held, spec, { has, wants, handshakes: observed.handshakes })
    held.lastSet = wants.wireGuards
    const { links, routes, ipsecs } = wants
    held.last = { spec, hasIpv6: observed.hasIpv6, links: [...links.values()], routes, ipsecs }
    return { steps, observed }
  })
}

async function factsOf({ loadKeys, implementations }: HeldKernel, { state, hasIpv6, closedChains }: Observed) {
  const keys = await loadKeys()
  return {
    hasIpv6,
    closedChains,
    publicKey: keys.wireGuard.publicKey,
    wireGuard: inUse(state, ['wireguard', 'tun']) ?? implementations.wireGuard,
    ipsec: {
      publicKey: keys.ipsec.publicKey,
      implementation: inUse(state, ['xfrm', 'libipsec']) ?? implementations.ipsec,
    },
  }
}

/** A tunnel that runs stays with what runs it. */
function inUse<K extends Link['kind']>({ links }: KernelState, kinds: readonly K[]): K | undefined {
  return [...links.values()].flatMap(({ kind }) => kinds.filter((one) => one === kind))[0]
}

interface Difference {
  readonly has: KernelState
  readonly wants: KernelState
  readonly handshakes: Observed['handshakes']
}

async function write(held: HeldKernel, spec: NodeConfigSpec, { has, wants, handshakes }: Difference): Promise<Step[]> {
  const { shell, programs, lastSet } = held
  const steps = diff(has, withSessions(wants, spec, { has, handshakes, lastSet }))
  await refuseSharedPorts(shell, steps)
  await orBack(held, steps, has).catch(async (error: unknown) => {
    throw await namingPort(shell, spec.devices ?? [], error)
  })
  if (wants.ipsecs.size > 0) programs.charon.keepUp([...wants.ipsecs.values()])
  return steps
}

/** Writes all steps, or none: what a refused one leaves is taken back. */
async function orBack(
  { shell, stateDir, programs }: HeldKernel,
  steps: readonly Step[],
  before: KernelState,
): Promise<void> {
  try {
    await writeKernel(shell, programs, steps)
  } catch (error) {
    const { state } = await readKernel(shell, stateDir)
    await writeKernel(shell, programs, diff(state, before)).catch((second: Error) => {
      throw new Error(`${(error as Error).message}; going back failed as well: ${second.message}`, { cause: error })
    })
    throw error
  }
}
