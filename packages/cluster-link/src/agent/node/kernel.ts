import { mkdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { NodeConfigSpec, UnderlayStatus } from '@kosmos/api'
import { findIpsecImplementation } from '../ipsec/implementation.ts'
import { type KeptSpec, keepSpec } from '../kept-spec.ts'
import { createNodeKernel, type NodeKernel } from '../kernel/node-kernel.ts'
import { type Observed, readRoutes } from '../kernel/read.ts'
import type { Step } from '../kernel/step.ts'
import { summaryOf } from '../kernel/summary.ts'
import { loadKeys } from '../keys/keys.ts'
import { PortTaken } from '../ports/taken.ts'
import { suspectsOf, targetsOf } from '../probe/targets.ts'
import { findImplementation } from '../wireguard/tunnel.ts'
import { withKeys } from './keys.ts'
import { type Enqueue, learn, type NodeState, silentIn } from './state.ts'

/** Programs tell of most changes; of WireGuard's peers and of iptables nobody tells. */
const recheckMs = 60_000

/** Makes the kernel be as is wanted, and says what became of it. */
export async function reconcileKernel(state: NodeState, enqueue: Enqueue) {
  if (!state.wanted) return undefined
  const { spec, generation } = state.wanted
  state.known = { ...state.known, attempted: generation }
  state.devices = new Set([...state.devices, ...(spec.devices ?? []).map(({ name }) => name)])
  try {
    const node = await prepare(state, spec)
    const { steps, observed } = await withKeys(state, spec, () => node.converge(spec, () => silentIn(state, spec)))
    await keep(state, { spec, generation })
    noteSteps(state, steps, generation)
    state.probes?.watch(targetsOf(spec))
    if (spec.peers?.some(({ nextPublicKey }) => nextPublicKey !== undefined)) enqueue('succession')
    learnApplied(state, { spec, generation }, { isChanged: steps.length > 0, observed })
    return { afterMs: recheckMs }
  } catch (error) {
    state.unrest++
    const reason = error instanceof PortTaken ? 'PortTaken' : 'ApplyFailed'
    learn(state, { applied: { reason, detail: (error as Error).message } })
    throw error
  }
}

/** Finds out once what there is to encrypt with, and takes over whom an agent before had found dead. */
async function prepare(state: NodeState, spec: NodeConfigSpec): Promise<NodeKernel> {
  if (state.kernel) return state.kernel
  const { shell, stateDir, probes } = state
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const implementations = { wireGuard: await findImplementation(shell), ipsec: await findIpsecImplementation(shell) }
  for (const address of suspectsOf(spec, await readRoutes(shell))) probes?.suspect(address)
  state.implementations = implementations
  state.kernel = createNodeKernel({ shell, stateDir, loadKeys: () => loadKeys(stateDir), implementations })
  return state.kernel
}

async function keep(state: NodeState, done: KeptSpec): Promise<void> {
  if (isDeepStrictEqual(done, state.kept)) return
  await keepSpec(state.stateDir, done)
  state.kept = done
}

function noteSteps(state: NodeState, steps: readonly Step[], generation: number): void {
  if (steps.length > 0) state.log('info', 'kernel.changed', { generation, steps: summaryOf(steps) })
  const isAgain = isDeepStrictEqual(steps, state.lastSteps)
  state.unrest = steps.length === 0 ? 0 : isAgain ? state.unrest + 1 : 1
  state.lastSteps = steps
}

interface Done {
  readonly isChanged: boolean
  readonly observed: Observed
}

function learnApplied(state: NodeState, { spec, generation }: KeptSpec, { isChanged, observed }: Done): void {
  const { known, underlayProblem } = state
  const now = Date.now()
  learn(state, {
    generation,
    syncedAt: now,
    applied: {
      reason: verdictOf(observed, spec, known.underlay),
      ...(underlayProblem && known.underlay === undefined && { detail: underlayProblem }),
    },
    ...(isChanged && { changedAt: now }),
  })
}

/** What to say of a kernel that has what it should. */
function verdictOf({ forwarding, hasIpv6 }: Observed, spec: NodeConfigSpec, underlay: UnderlayStatus | undefined) {
  if (underlay === undefined) return 'InterfaceNotFound'
  const devices = spec.devices ?? []
  const needs6 = devices.some(({ addr6 }) => addr6 !== undefined)
  if (needs6 && !hasIpv6) return 'FamilyDisabled'
  const isForwarding = forwarding.has(4) && (!needs6 || forwarding.has(6))
  return devices.length === 0 || isForwarding ? 'Applied' : 'ForwardingDisabled'
}
