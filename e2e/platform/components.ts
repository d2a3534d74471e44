import { bundleClusterLink } from '@kosmos/cluster-link/build'
import { bundleClusterTree, clusterTreeFlags } from '@kosmos/cluster-tree/build'
import { nodeFlags } from '@kosmos/kube/build'
import { bundleScheduler } from '@kosmos/scheduler/build'
import type { Testbed } from '@kosmos/testbed'

/** A process of ours, as its Deployment runs it. */
export interface Component {
  readonly name: 'cluster-tree' | 'cluster-tree-standby' | 'scheduler' | 'scheduler-standby' | 'cluster-link'
  readonly bundle: (outfile: string) => Promise<void>
  readonly nodeFlags: readonly string[]
  /** Its ServiceAccount in kosmos-system. */
  readonly account: string
  /** Manifests below deploy/ that it needs, but for its Deployment. */
  readonly manifests: readonly string[]
  readonly args: (testbed: Testbed) => readonly string[]
  /** Further options in a root that serves no MutatingAdmissionPolicies. */
  readonly webhook?: (testbed: Testbed) => readonly string[]
}

export const clusterTree: Component = {
  name: 'cluster-tree',
  bundle: bundleClusterTree,
  nodeFlags: clusterTreeFlags,
  account: 'clustertree',
  manifests: ['clustertree.yaml', 'rbac/clustertree.yaml', 'rbac/clustertree-tokens.yaml'],
  args: ({ root }) => ['--node-address', new URL(root.server).hostname, '--kubelet-port', '0'],
}

/** A second replica, on the same machine. */
export const clusterTreeStandby: Component = { ...clusterTree, name: 'cluster-tree-standby' }

/** At an address that only this root uses. */
const webhookAt =
  (port: number) =>
  ({ root }: Testbed) => [
    ...['--webhook', `${root.loopback}:${port}`],
    ...['--webhook-url', `https://${root.loopback}:${port}/pods`],
  ]

export const scheduler: Component = {
  name: 'scheduler',
  bundle: bundleScheduler,
  nodeFlags: nodeFlags.manyChanges,
  account: 'scheduler',
  manifests: ['rbac/scheduler.yaml', 'admission.yaml', 'webhook.yaml'],
  args: () => [],
  webhook: webhookAt(8443),
}

/** A second replica, on the same machine. */
export const schedulerStandby: Component = { ...scheduler, name: 'scheduler-standby', webhook: webhookAt(8444) }

export const clusterLink: Component = {
  name: 'cluster-link',
  bundle: bundleClusterLink,
  nodeFlags: nodeFlags.littleMemory,
  account: 'clusterlink',
  manifests: ['clustertree.yaml', 'rbac/clusterlink.yaml'],
  args: () => [],
}
