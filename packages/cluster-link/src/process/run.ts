import { fieldManagers } from '@kosmos/api'
import { type CommonOptions, type Log, runControllers } from '@kosmos/kube/process'
import { ClusterLink } from '../cluster-link.ts'

/** Runs the controllers of ClusterLink until the signal aborts: probes at once, the work when it leads. */
export async function runClusterLink(options: CommonOptions, log: Log, signal: AbortSignal): Promise<void> {
  const process = {
    component: 'cluster-link',
    fieldManager: fieldManagers.clusterLink,
    work: async ({ client, metrics, onReconcile, ready }, leading) => {
      const link = new ClusterLink({ root: client, log, metrics, onReconcile })
      void link.synced.then(ready)
      await link.run(leading)
    },
  } satisfies Parameters<typeof runControllers>[0]
  await runControllers(process, options, log, signal)
}
