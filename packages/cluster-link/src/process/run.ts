import { hostname } from 'node:os'
import { fieldManagers } from '@kosmos/api'
import { EventRecorder } from '@kosmos/kube'
import { type CommonOptions, type Log, runControllers } from '@kosmos/kube/process'
import { ClusterLink } from '../cluster-link.ts'

/** Good news of all nodes together; what is wrong is not limited by this. */
const NORMAL_EVENTS = { burst: 50, perSecond: 5 } as const

/** Runs the controllers of ClusterLink until the signal aborts: probes at once, the work when it leads. */
export async function runClusterLink(options: CommonOptions, log: Log, signal: AbortSignal): Promise<void> {
  const process = {
    component: 'cluster-link',
    fieldManager: fieldManagers.clusterLink,
    work: async ({ client, metrics, onReconcile, ready }, leading) => {
      const events = new EventRecorder({
        client,
        controller: 'kosmos.io/cluster-link',
        instance: hostname(),
        budget: { normal: NORMAL_EVENTS },
      })
      const record = events.record.bind(events)
      const link = new ClusterLink({ root: client, log, metrics, record, onReconcile })
      void link.synced.then(ready)
      await link.run(leading)
      await events.flush()
    },
  } satisfies Parameters<typeof runControllers>[0]
  await runControllers(process, options, log, signal)
}
