import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, isStopped, type ProcessIdentity, signal } from '../processes/identity.ts'
import type { Journal, ProcessEntry } from '../processes/journal.ts'
import { launch } from '../processes/launch.ts'
import { kill, stop } from '../processes/stop.ts'
import type { ClusterNetwork } from './address.ts'

/** What describes a running cluster; plain data, kept in the journal so that any process can attach. */
export interface ClusterRecord {
  readonly name: string
  /** URL of the API server. */
  readonly server: string
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string
  /** PEM of the cluster's CA. */
  readonly ca: string
  /** Bearer token of an administrator. */
  readonly adminToken: string
  /** Folder of the cluster: `pki/`, `logs/` and data. */
  readonly dir: string
  readonly network: ClusterNetwork
  /** Loopback address that only this cluster uses: etcd and whatever need not be reached from nodes listen there. */
  readonly loopback: string
  /** Names of the nodes that the test bed made, in order. */
  readonly nodes: readonly string[]
}

/** A cluster whose components can be looked at and hurt. Component names are those of {@link ControlPlane.pids}. */
export interface ControlPlane extends ClusterRecord {
  /** Pids of the cluster's processes that run now, by component (`kube-apiserver`, or `<node>/kubelet`). */
  pids(): Record<string, number>
  /** KILL, as a crash; the component stays down until {@link restart}. */
  kill(component: string): Promise<void>
  /** SIGSTOP: alive, connections open, no answer; resolves when every thread stands still. */
  pause(component: string): Promise<void>
  resume(component: string): void
  /** Stops the component if it runs and starts it again as it was, or with other arguments; resolves when it is healthy. */
  restart(component: string, change?: (argv: readonly string[]) => readonly string[]): Promise<void>
  /** Ends the cluster's processes, newest first; a cluster that was started alone is removed altogether. */
  stop(): Promise<void>
}

/** The handle of a cluster that the journal knows, whoever started it. */
export function controlPlane(journal: Journal, record: ClusterRecord): ControlPlane {
  const prefix = `${record.name}/`
  const running = (): ProcessEntry[] => journal.processes().filter((p) => p.spec.id.startsWith(prefix))
  const entryOf = (component: string): ProcessEntry => {
    const entry = journal.process(prefix + component)
    if (entry) return entry
    const known = running().map((p) => p.spec.id.slice(prefix.length))
    throw new TypeError(`cluster ${record.name} has no component ${component}; it has ${known.join(', ')}`)
  }
  const send = (target: ProcessIdentity, component: string, name: NodeJS.Signals): void => {
    if (!signal(target, name)) throw new Error(`${prefix}${component} does not run, so it cannot be sent ${name}`)
  }
  return {
    ...record,
    pids: () =>
      Object.fromEntries(running().flatMap((p) => (isAlive(p) ? [[p.spec.id.slice(prefix.length), p.pid]] : []))),
    kill: async (component) => kill(entryOf(component)),
    pause: async (component) => {
      const entry = entryOf(component)
      send(entry, component, 'SIGSTOP')
      while (isAlive(entry) && !isStopped(entry)) await sleep(5)
    },
    resume: (component) => send(entryOf(component), component, 'SIGCONT'),
    restart: async (component, change = (argv) => argv) => {
      const { spec } = entryOf(component)
      await stop(entryOf(component))
      await launch(journal, { ...spec, argv: change(spec.argv) })
    },
    stop: async () => {
      for (const entry of running().reverse()) await stop(entry)
    },
  }
}
