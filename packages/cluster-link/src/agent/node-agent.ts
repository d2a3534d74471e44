import { mkdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { NodeConfigSpec, UnderlayStatus } from '@kosmos/api'
import { backoffMs, Controller, type ReconcileObservation } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { findIpsecImplementation } from './ipsec/implementation.ts'
import { loadIpsecKey } from './ipsec/key.ts'
import { type KeptSpec, keepSpec } from './kept-spec.ts'
import { createNodeKernel, type NodeKernel } from './kernel/converge.ts'
import { type Observed, readRoutes } from './kernel/read.ts'
import type { Step } from './kernel/step.ts'
import { startProbes } from './probe/probes.ts'
import { suspectsOf, type Targets, targetsOf } from './probe/targets.ts'
import type { Shell } from './shell/shell.ts'
import { watchTools } from './shell/tools.ts'
import type { Report } from './status/report.ts'
import { type Autodetection, parseAutodetection } from './underlay/method.ts'
import { readUnderlay } from './underlay/read.ts'
import { followKernel } from './watch/monitors.ts'
import { loadKeyPair } from './wireguard/key.ts'
import { findImplementation } from './wireguard/tunnel.ts'

export interface NodeAgentOptions {
  readonly shell: Shell
  readonly stateDir: string
  /** How the underlay is found while the NodeConfig says nothing of it. */
  readonly autodetection: Autodetection
  /** Called whenever something is known that was not before. */
  readonly onReport: () => void
  readonly log: Log
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

export interface NodeAgent {
  /** What the node should be like from now on. */
  want(spec: NodeConfigSpec, generation: number): void
  report(): Report
  /** Works until the signal aborts; what is in the kernel stays. */
  run(signal: AbortSignal): Promise<void>
}

type Key = 'kernel' | 'routes' | 'underlay'

const quietMs = 100
/** Programs tell of most changes; of WireGuard's peers and of iptables nobody tells. */
const recheckMs = 60_000
/** How often the same is repaired in a row until somebody else seems to want it otherwise. */
const patience = 3

/** Keeps one node as its NodeConfig says, and tells how it is. */
export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  const { stateDir, autodetection, onReport, log } = options
  let wanted: KeptSpec | undefined
  let known: Omit<Report, 'nextHops'> = {}
  let kernel: NodeKernel | undefined
  let devices: ReadonlySet<string> = new Set()
  let unrest = 0
  let lastSteps: readonly Step[] = []
  let missing: readonly string[] = []
  let probes: ReturnType<typeof startProbes> | undefined

  const controller = new Controller<Key>({
    name: 'link-agent',
    concurrency: 1,
    backoff: { minMs: 500, maxMs: 60_000 },
    reconcile: (key) => ({ kernel: reconcileKernel, routes: reconcileRoutes, underlay: reconcileUnderlay })[key](),
    ...(options.onReconcile && { onReconcile: options.onReconcile }),
  })

  const report = (): Report => {
    const addresses = wanted ? addressesOf(targetsOf(wanted.spec)).sort() : []
    const lacking = missing.length > 0 && { applied: { reason: 'ToolMissing', detail: missing.join(', ') } as const }
    return {
      ...known,
      ...lacking,
      nextHops: addresses.map((address) => ({ address, reachability: probes?.of(address) })),
    }
  }
  const logHop = (address: string) => {
    const isReachable = probes?.of(address)?.isReachable
    log(isReachable ? 'info' : 'warn', isReachable ? 'next-hop.reachable' : 'next-hop.unreachable', { address })
  }
  /** Next hops that do not answer. */
  const silent = (spec: NodeConfigSpec) =>
    new Set(addressesOf(targetsOf(spec)).filter((address) => probes?.of(address)?.isReachable === false))
  const learn = (news: Omit<Report, 'nextHops'>) => {
    known = { ...known, ...news }
    onReport()
  }
  const shell = watchTools(options.shell, (tools) => {
    missing = tools
    onReport()
  })

  let kept: KeptSpec | undefined
  const keep = async (done: KeptSpec) => {
    if (isDeepStrictEqual(done, kept)) return
    await keepSpec(stateDir, done)
    kept = done
  }

  async function prepare(spec: NodeConfigSpec): Promise<NodeKernel> {
    if (kernel) return kernel
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    const keyPair = await loadKeyPair(stateDir)
    const implementation = await findImplementation(shell)
    const loadKey = () => loadIpsecKey(stateDir)
    const ipsec = {
      publicKey: (await loadKey()).publicKey,
      loadKey,
      implementation: await findIpsecImplementation(shell),
    }
    for (const address of suspectsOf(spec, await readRoutes(shell))) probes?.suspect(address)
    learn({
      wireGuard: {
        publicKey: keyPair.publicKey,
        implementation: implementation === 'tun' ? 'wireguard-go' : 'kernel',
      },
      ipsec: {
        publicKey: ipsec.publicKey,
        implementation: ipsec.implementation === 'xfrm' ? 'kernel' : 'libipsec',
      },
    })
    kernel = createNodeKernel({ shell, stateDir, keyPair, implementation, ipsec })
    return kernel
  }

  async function reconcileKernel() {
    if (!wanted) return undefined
    const { spec, generation } = wanted
    known = { ...known, attempted: generation }
    devices = new Set([...devices, ...(spec.devices ?? []).map(({ name }) => name)])
    try {
      const node = await prepare(spec)
      const { steps, observed } = await node.converge(spec, silent(spec))
      await keep({ spec, generation })
      if (steps.length > 0) log('info', 'kernel.changed', { generation, steps: summaryOf(steps) })
      unrest = steps.length === 0 ? 0 : isDeepStrictEqual(steps, lastSteps) ? unrest + 1 : 1
      lastSteps = steps
      probes?.watch(targetsOf(spec))
      const now = Date.now()
      learn({
        generation,
        syncedAt: now,
        applied: { reason: verdictOf(observed, spec, known.underlay) },
        ...(steps.length > 0 && { changedAt: now }),
      })
      return { afterMs: recheckMs }
    } catch (error) {
      unrest++
      learn({ applied: { reason: 'ApplyFailed', detail: (error as Error).message } })
      throw error
    }
  }

  async function reconcileRoutes() {
    if (!wanted || !kernel) return undefined
    try {
      const steps = await kernel.reroute(silent(wanted.spec))
      if (steps.length > 0) {
        log('info', 'kernel.rerouted', { steps: summaryOf(steps) })
        learn({ changedAt: Date.now() })
      }
    } catch (error) {
      controller.enqueue('kernel')
      throw error
    }
    return undefined
  }

  async function reconcileUnderlay() {
    const underlay = await readUnderlay(shell, methodOf(wanted?.spec) ?? autodetection)
    if (isDeepStrictEqual(underlay, known.underlay)) return undefined
    const { underlay: _, ...others } = known
    known = others
    learn(underlay ? { underlay } : {})
    controller.enqueue('kernel')
    return undefined
  }

  return {
    want: (spec, generation) => {
      if (wanted?.spec.autodetectionMethod !== spec.autodetectionMethod) controller.enqueue('underlay')
      wanted = { spec, generation }
      controller.enqueue('kernel')
    },
    report,
    run: async (signal) => {
      probes = startProbes({
        shell,
        signal,
        onChange: (addresses) => {
          for (const address of addresses) logHop(address)
          controller.enqueue('routes')
          onReport()
        },
      })
      controller.enqueue('underlay')
      const onOurs = () =>
        controller.enqueueAfter(
          'kernel',
          unrest < patience ? quietMs : backoffMs(unrest - patience + 1, { minMs: 1_000, maxMs: 10_000 }),
        )
      await Promise.all([
        controller.run(signal),
        followKernel({
          shell,
          signal,
          devices: () => devices,
          onOurs,
          onUnderlay: () => controller.enqueueAfter('underlay', quietMs),
        }),
      ])
    },
  }
}

function methodOf(spec: NodeConfigSpec | undefined): Autodetection | undefined {
  return spec?.autodetectionMethod === undefined ? undefined : parseAutodetection(spec.autodetectionMethod)
}

/** How often what was done, such as `link.add 1, route.replace 12`. */
function summaryOf(steps: readonly Step[]): string {
  const kinds = Map.groupBy(steps, (step) => step.do)
  return [...kinds].map(([kind, { length }]) => `${kind} ${length}`).join(', ')
}

function addressesOf({ urgent, others }: Targets): string[] {
  return [...urgent, ...others]
}

/** What to say of a kernel that has what it should. */
function verdictOf({ forwarding }: Observed, spec: NodeConfigSpec, underlay: UnderlayStatus | undefined) {
  if (underlay === undefined) return 'InterfaceNotFound'
  const devices = spec.devices ?? []
  const needs6 = devices.some(({ addr6 }) => addr6 !== undefined)
  const isForwarding = forwarding.has(4) && (!needs6 || forwarding.has(6))
  return devices.length === 0 || isForwarding ? 'Applied' : 'ForwardingDisabled'
}
