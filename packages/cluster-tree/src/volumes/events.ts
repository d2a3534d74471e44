import type { Notice } from '../root/events.ts'

export const dataSourceUnsupported: Notice = {
  type: 'Warning',
  reason: 'DataSourceUnsupported',
  action: 'Provisioning',
  note: 'Volumes in leaves can be clones of other claims there, and cannot be made from a snapshot: take another dataSource, or none',
}

export const dataSourceElsewhere = (source: string, cluster: string): Notice => ({
  type: 'Warning',
  reason: 'DataSourceElsewhere',
  action: 'Provisioning',
  note: `A clone lies where its source does, and PersistentVolumeClaim ${source} has no volume in Cluster ${cluster}, which was chosen for the pod: keep the pod on the virtual nodes of its source (label kosmos.io/cluster)`,
})

export const claimRefused = (cluster: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'RefusedByLeaf',
  action: 'CopyingClaim',
  note: `Cluster ${cluster} does not accept the PersistentVolumeClaim: ${said}`,
})
