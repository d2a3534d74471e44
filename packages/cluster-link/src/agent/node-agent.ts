import { mkdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { NodeConfigSpec, UnderlayStatus } from '@kosmos/api'
import { backoffMs, Controller, type ReconcileObservation } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { secureCIDR } from '../model/names.ts'
import { findIpsecImplementation, type IpsecImplementation } from './ipsec/implementation.ts'
import { type KeptSpec, keepSpec } from './kept-spec.ts'
import { createNodeKernel, type NodeKernel } from './kernel/converge.ts'
import { type Observed, readRoutes } from './kernel/read.ts'
import type { Step } from './kernel/step.ts'
import { followKeys, loadKeys } from './keys/keys.ts'
import { canonicalAddress, contains, familyOf } from './net/cidr.ts'
import { PortTaken } from './ports/taken.ts'
import { startProbes } from './probe/probes.ts'
import { suspectsOf, type Targets, targetsOf } from './probe/targets.ts'
import type { Shell } from './shell/shell.ts'
import { watchTools } from './shell/tools.ts'
import type { Report } from './status/report.ts'
import { type Autodetection, parseAutodetection } from './underlay/method.ts'
import { readUnderlay } from './underlay/read.ts'
import { followKernel } from './watch/monitors.ts'
import { findImplementation, type Implementation } from './wireguard/tunnel.ts'

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
  /** What was wanted last. */
  wanted(): NodeConfigSpec | undefined
  report(): Report
  /** Works until the signal aborts; what is in the kernel stays. */
  run(signal: AbortSignal): Promise<void>
}

type Key = 'kernel' | 'succession' | 'underlay'

const quietMs = 100
/** Programs tell of most changes; of WireGuard's peers and of iptables nobody tells. */
const recheckMs = 60_000
/** How often is looked whether peers have gone over to their next keys: nobody tells. Most do within seconds. */
const succession = { soonMs: 100, lateMs: 1_000, untilMs: 60_000 } as const
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
  let implementations: { readonly wireGuard: Implementation; readonly ipsec: IpsecImplementation } | undefined
  let awaitingSince: number | undefined
  let underlayProblem: string | undefined

  const byKey = {
    kernel: reconcileKernel,
    succession: reconcileSuccession,
    underlay: reconcileUnderlay,
  }
  const controller = new Controller<Key>({
    name: 'link-agent',
    concurrency: 1,
    backoff: { minMs: 500, maxMs: 60_000 },
    reconcile: (key) => byKey[key](),
    ...(options.onReconcile && { onReconcile: options.onReconcile }),
  })
  // A fail-over does not wait until the kernel has been read.
  const rerouting = new Controller<'routes'>({
    name: 'link-agent-routes',
    concurrency: 1,
    backoff: { minMs: 500, maxMs: 60_000 },
    reconcile: reconcileRoutes,
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
    implementations = { wireGuard: await findImplementation(shell), ipsec: await findIpsecImplementation(shell) }
    for (const address of suspectsOf(spec, await readRoutes(shell))) probes?.suspect(address)
    kernel = createNodeKernel({ shell, stateDir, loadKeys: () => loadKeys(stateDir), implementations })
    return kernel
  }

  /** Makes keys that are asked for, and tells the public halves when the kernel had the chance to go over to them. */
  async function withKeys<T>({ keys: asked }: NodeConfigSpec, work: () => Promise<T>): Promise<T> {
    const keys = await followKeys(stateDir, asked)
    try {
      return await work()
    } finally {
      const { wireGuard, ipsec } = await loadKeys(stateDir)
      learn({
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

  async function reconcileKernel() {
    if (!wanted) return undefined
    const { spec, generation } = wanted
    known = { ...known, attempted: generation }
    devices = new Set([...devices, ...(spec.devices ?? []).map(({ name }) => name)])
    try {
      const node = await prepare(spec)
      const { steps, observed } = await withKeys(spec, () => node.converge(spec, () => silent(spec)))
      await keep({ spec, generation })
      if (steps.length > 0) log('info', 'kernel.changed', { generation, steps: summaryOf(steps) })
      unrest = steps.length === 0 ? 0 : isDeepStrictEqual(steps, lastSteps) ? unrest + 1 : 1
      lastSteps = steps
      probes?.watch(targetsOf(spec))
      if (spec.peers?.some(({ nextPublicKey }) => nextPublicKey !== undefined)) controller.enqueue('succession')
      const now = Date.now()
      learn({
        generation,
        syncedAt: now,
        applied: {
          reason: verdictOf(observed, spec, known.underlay),
          ...(underlayProblem && known.underlay === undefined && { detail: underlayProblem }),
        },
        ...(steps.length > 0 && { changedAt: now }),
      })
      return { afterMs: recheckMs }
    } catch (error) {
      unrest++
      const reason = error instanceof PortTaken ? 'PortTaken' : 'ApplyFailed'
      learn({ applied: { reason, detail: (error as Error).message } })
      throw error
    }
  }

  async function reconcileRoutes() {
    if (!wanted || !kernel) return undefined
    const { spec } = wanted
    try {
      const steps = await kernel.reroute(() => silent(spec))
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

  async function reconcileSuccession() {
    if (!kernel) return undefined
    try {
      const { steps, isAwaiting } = await kernel.succeed()
      if (steps.length > 0) log('info', 'peers.succeeded', { steps: summaryOf(steps) })
      awaitingSince = isAwaiting ? (awaitingSince ?? Date.now()) : undefined
      if (awaitingSince === undefined) return undefined
      return { afterMs: Date.now() - awaitingSince < succession.untilMs ? succession.soonMs : succession.lateMs }
    } catch (error) {
      controller.enqueue('kernel')
      throw error
    }
  }

  /** What was asked for may be nonsense that the API server cannot tell, such as half of a regular expression. */
  async function findUnderlay(): Promise<{ underlay?: UnderlayStatus; problem?: string }> {
    const text = wanted?.spec.autodetectionMethod
    try {
      const method = text === undefined ? autodetection : parseAutodetection(text)
      const underlay = await readUnderlay(shell, method, startsOf(known.underlay, wanted?.spec))
      return underlay ? { underlay } : { problem: text ?? autodetection.method }
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return { problem: error.message }
      throw error
    }
  }

  async function reconcileUnderlay() {
    const { underlay, problem } = await findUnderlay()
    if (isDeepStrictEqual(underlay, known.underlay) && problem === underlayProblem) return undefined
    underlayProblem = problem
    const { underlay: _, ...others } = known
    known = others
    learn(underlay ? { underlay } : {})
    controller.enqueue('kernel')
    return undefined
  }

  return {
    want: (spec, generation) => {
      // Which address is in use is not known before.
      const isOtherMethod = wanted === undefined || wanted.spec.autodetectionMethod !== spec.autodetectionMethod
      wanted = { spec, generation }
      // What is enqueued may begin at once.
      if (isOtherMethod) controller.enqueue('underlay')
      controller.enqueue('kernel')
    },
    wanted: () => wanted?.spec,
    report,
    run: async (signal) => {
      probes = startProbes({
        shell,
        signal,
        onChange: (addresses) => {
          for (const address of addresses) logHop(address)
          rerouting.enqueue('routes')
          onReport()
        },
      })
      const onOurs = () =>
        controller.enqueueAfter(
          'kernel',
          unrest < patience ? quietMs : backoffMs(unrest - patience + 1, { minMs: 1_000, maxMs: 10_000 }),
        )
      await Promise.all([
        controller.run(signal),
        rerouting.run(signal),
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

/** How often what was done, such as `link.add 1, route.replace 12`. */
function summaryOf(steps: readonly Step[]): string {
  const kinds = Map.groupBy(steps, (step) => step.do)
  return [...kinds].map(([kind, { length }]) => `${kind} ${length}`).join(', ')
}

/** Addresses that tunnels start from: as the NodeConfig says, which an agent before us may have found, else as was found. */
function startsOf(found: UnderlayStatus | undefined, spec: NodeConfigSpec | undefined): Set<string> {
  const { devices = [], ipsecPeers = [] } = spec ?? {}
  const planned = [...devices, ...ipsecPeers].flatMap(({ local }) => local ?? [])
  const starts = [4, 6].flatMap((family) => {
    const isOfFamily = (address: string | undefined) => address !== undefined && familyOf(address) === family
    const own = planned.filter((address) => isOfFamily(address) && !contains(secureCIDR, address))
    return own.length > 0 ? own : [found?.ip, found?.ip6].filter(isOfFamily)
  })
  return new Set(starts.flatMap((address) => (address === undefined ? [] : canonicalAddress(address))))
}

function addressesOf({ urgent, others }: Targets): string[] {
  return [...urgent, ...others]
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
