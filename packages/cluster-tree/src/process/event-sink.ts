import { hostname } from 'node:os'
import { type Client, EventRecorder, eventRef } from '@kosmos/kube'
import type { EventSink } from '../root/events.ts'

/** A thousand pods that start at once are no news; what is wrong is not limited by this. */
const NORMAL_EVENTS = { burst: 50, perSecond: 5 } as const

/** Events in the root, on the objects that users look at. */
export function eventSink(root: Client): EventSink & { close(): Promise<void> } {
  const recorder = new EventRecorder({
    client: root,
    controller: 'kosmos.io/cluster-tree',
    instance: hostname(),
    budget: { normal: NORMAL_EVENTS },
  })
  return {
    record: (regarding, { type, reason, action, note }) =>
      recorder.record(eventRef(regarding), { type, reason, action, note }),
    close: () => recorder.flush(),
  }
}
