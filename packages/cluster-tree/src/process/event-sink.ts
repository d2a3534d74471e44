import type { Client } from '@kosmos/kube'
import type { EventSink } from '../root/events.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export function eventSink(_client: Client, _metrics: Metrics, log: Log): EventSink & { close(): Promise<void> } {
  return {
    record: (regarding, { reason, note }) =>
      log('debug', 'event', { reason, note, pod: regarding.metadata?.name ?? '' }),
    close: async () => {},
  }
}
