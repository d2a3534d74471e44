import { virtualNodesLabel } from '@kosmos/api'
import type { KubeObject, Pod } from '@kosmos/kube'
import { tolerating } from '@kosmos/scheduler'

/** The pod as it is admitted in its namespace, whose label may let its pods go to virtual nodes. Pure. */
export const withToleration = (pod: Pod, namespace: Pick<KubeObject, 'metadata'> | undefined): Pod =>
  namespace?.metadata?.labels?.[virtualNodesLabel] === 'tolerated' ? tolerating(pod) : pod
