import { systemNamespace } from '@kosmos/api'
import type { Client } from '../client/client.ts'
import { LeaderElector } from '../leases/elector.ts'
import type { Log } from './log.ts'

export interface LeadershipOptions {
  readonly client: Client
  /** Name of the Lease in kosmos-system. */
  readonly component: string
  /** False: work at once, for a deployment that never has two. */
  readonly election: boolean
  readonly identity: string
  readonly log: Log
  /** Called when another process leads: this one is healthy, and idle. */
  readonly onStandby: () => void
}

/** Does the work while this process leads: one writer at a time, however many replicas. `lost`: as {@link LeaderElector} has it. */
export async function asLeader(
  { client, component, election, identity, log, onStandby }: LeadershipOptions,
  signal: AbortSignal,
  work: (leading: AbortSignal, lost: AbortSignal) => Promise<void>,
): Promise<void> {
  if (!election) return await work(signal, new AbortController().signal)
  const elector = new LeaderElector({
    client,
    lease: { namespace: systemNamespace, name: component },
    identity,
    onStarted: work,
    onNewLeader: (leader) => {
      log('info', 'leader.elected', { leader })
      if (leader !== identity) onStandby()
    },
    onError: (error) => log('warn', 'leader.election.failed', { reason: error.message }),
  })
  await elector.run(signal)
}
