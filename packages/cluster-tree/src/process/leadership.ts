import type { Client } from '@kosmos/kube'
import type { Log } from './log.ts'
import type { ProcessOptions } from './options.ts'

export interface LeadershipOptions {
  readonly client: Client
  readonly options: ProcessOptions
  readonly log: Log
  /** Called when another process leads: this one is healthy, and idle. */
  readonly waiting: () => void
}

export async function asLeader(
  _options: LeadershipOptions,
  signal: AbortSignal,
  work: (leading: AbortSignal) => Promise<void>,
): Promise<void> {
  await work(signal)
}
