import type { NodeConfigSpec } from '@kosmos/api'
import { backoffMs, Controller, type ReconcileObservation } from '@kosmos/kube'
import { reconcileKernel } from './node/kernel.ts'
import { reportOf } from './node/report.ts'
import { reconcileRoutes } from './node/routes.ts'
import { type Enqueue, type Key, type NodeState, type NodeStateOptions, startState } from './node/state.ts'
import { reconcileSuccession } from './node/succession.ts'
import { reconcileUnderlay } from './node/underlay.ts'
import { startProbes } from './probe/probes.ts'
import type { Report } from './status/report.ts'
import { followKernel } from './watch/monitors.ts'

export interface NodeAgentOptions extends NodeStateOptions {
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

const quietMs = 100
/** How often the same is repaired in a row until somebody else seems to want it otherwise. */
const patience = 3

/** Keeps one node as its NodeConfig says, and tells how it is. */
export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  const state = startState(options)
  const controllers = controllersOf(state, options)
  return {
    want: (spec, generation) => {
      // Which address is in use is not known before.
      const isOtherMethod = state.wanted?.spec.autodetectionMethod !== spec.autodetectionMethod
      const isUnderlayUnknown = state.wanted === undefined || isOtherMethod
      state.wanted = { spec, generation }
      // What is enqueued may begin at once.
      if (isUnderlayUnknown) controllers.node.enqueue('underlay')
      controllers.node.enqueue('kernel')
    },
    wanted: () => state.wanted?.spec,
    report: () => reportOf(state),
    run: (signal) => runAgent(state, controllers, signal),
  }
}

interface Controllers {
  readonly node: Controller<Key>
  readonly routes: Controller<'routes'>
}

const reconciles = { kernel: reconcileKernel, succession: reconcileSuccession, underlay: reconcileUnderlay }

function controllersOf(state: NodeState, { onReconcile }: NodeAgentOptions): Controllers {
  const enqueue: Enqueue = (key) => node.enqueue(key)
  const common = { concurrency: 1, backoff: { minMs: 500, maxMs: 60_000 }, ...(onReconcile && { onReconcile }) }
  const node = new Controller<Key>({
    ...common,
    name: 'link-agent',
    reconcile: (key) => reconciles[key](state, enqueue),
  })
  const routes = new Controller<'routes'>({
    ...common,
    name: 'link-agent-routes',
    reconcile: () => reconcileRoutes(state, enqueue),
  })
  return { node, routes }
}

async function runAgent(state: NodeState, { node, routes }: Controllers, signal: AbortSignal): Promise<void> {
  const { shell, onReport } = state
  state.probes = startProbes({
    shell,
    signal,
    onChange: (addresses) => {
      for (const address of addresses) logHop(state, address)
      routes.enqueue('routes')
      onReport()
    },
  })
  await Promise.all([
    node.run(signal),
    routes.run(signal),
    followKernel({
      shell,
      signal,
      devices: () => state.devices,
      onOurs: () => node.enqueueAfter('kernel', pauseMs(state)),
      onUnderlay: () => node.enqueueAfter('underlay', quietMs),
    }),
  ])
}

/** Until a change of ours is looked at; longer where somebody seems to want it otherwise. */
function pauseMs({ unrest }: NodeState): number {
  return unrest < patience ? quietMs : backoffMs(unrest - patience + 1, { minMs: 1_000, maxMs: 10_000 })
}

function logHop({ probes, log }: NodeState, address: string): void {
  const isReachable = probes?.of(address)?.isReachable
  log(isReachable ? 'info' : 'warn', isReachable ? 'next-hop.reachable' : 'next-hop.unreachable', { address })
}
