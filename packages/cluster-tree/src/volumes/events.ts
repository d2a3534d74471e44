import type { Notice } from '../root/events.ts'

export const claimTaken = (cluster: string): Notice => ({
  type: 'Warning',
  reason: 'NameTakenInLeaf',
  action: 'CopyingClaim',
  note: `Cluster ${cluster} has a PersistentVolumeClaim of this name that this root did not create and will not touch. Rename one of the two`,
})

export const dataSourceUnsupported: Notice = {
  type: 'Warning',
  reason: 'DataSourceUnsupported',
  action: 'Provisioning',
  note: 'Volumes in leaves cannot be made from a snapshot or from another claim yet: leave dataSource and dataSourceRef out',
}

export const claimRefused = (cluster: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'RefusedByLeaf',
  action: 'CopyingClaim',
  note: `Cluster ${cluster} does not accept the PersistentVolumeClaim: ${said}`,
})
