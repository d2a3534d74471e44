import type { StoredCluster } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import type { Kubelets } from '../kubelet/kubelets.ts'
import type { Metrics } from '../process/metrics.ts'
import type { Root } from '../root/root.ts'

export interface LeafOptions {
  readonly cluster: StoredCluster
  /** Self-contained kubeconfig. */
  readonly kubeconfig: string
  readonly root: Root
  readonly kubelets: Kubelets
  /** Takes the leaf with this id for the Cluster; answers with the name of the Cluster that has it already. */
  readonly claim: (leafId: string) => string | undefined
  /** Gives the leaf up. */
  readonly release: () => void
  readonly changed: () => void
  readonly log: Log
  readonly metrics: Metrics
}
