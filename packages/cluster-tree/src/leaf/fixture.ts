import type { Log } from '@kosmos/kube/process'
import type { LiveCluster } from '../live.fixture.ts'
import { runClusterTree } from '../process/run.ts'

/** cluster-tree in the process of a test, without leader election, until the signal aborts. */
export function runTree({ controlPlane }: LiveCluster, log: Log, signal: AbortSignal): Promise<void> {
  const options = {
    kubeconfig: controlPlane.kubeconfig,
    nodeAddress: '127.0.0.1',
    firstKubeletPort: 0,
    https: { address: '127.0.0.1', port: 0, tls: undefined },
    leaderElection: false,
    identity: 'test',
    logLevel: 'info',
  } as const
  return runClusterTree(options, log, signal)
}
