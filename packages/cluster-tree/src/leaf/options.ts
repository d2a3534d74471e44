import type { StoredCluster } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import type { ClusterKubelets } from '../kubelet/cluster-kubelets.ts'
import type { Metrics } from '../process/metrics.ts'
import type { Root } from '../root/root.ts'

export interface LeafOptions {
  readonly cluster: StoredCluster
  /** Self-contained kubeconfig. */
  readonly kubeconfig: string
  readonly root: Root
  /** Those of its virtual nodes; they go on when the leaf stops. */
  readonly kubelets: ClusterKubelets
  /** Takes the leaf with this id for the Cluster; answers with the name of the Cluster that has it already. */
  readonly claim: (leafId: string) => string | undefined
  /** Gives the leaf up. */
  readonly release: () => void
  readonly changed: () => void
  readonly log: Log
  readonly metrics: Metrics
}
