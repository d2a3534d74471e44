import type { Notice } from '../root/events.ts'

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
