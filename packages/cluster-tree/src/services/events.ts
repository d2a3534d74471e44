import type { Notice } from '../root/events.ts'

export const serviceNameTaken = (cluster: string): Notice => ({
  type: 'Warning',
  reason: 'NameTakenInLeaf',
  action: 'CopyingService',
  note: `Cluster ${cluster} has a Service of this name that this root did not create and will not touch: its pods there find that one. Rename one of the two`,
})

export const serviceRefused = (cluster: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'RefusedByLeaf',
  action: 'CopyingService',
  note: `Cluster ${cluster} does not accept the Service: ${said}`,
})
