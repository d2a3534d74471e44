import type { Notice } from '../root/events.ts'

export const endpointsElsewhere = (cluster: string, slice: string, count: number): Notice => ({
  type: 'Normal',
  reason: 'EndpointsElsewhere',
  action: 'CopyingEndpoints',
  note: `Pods in cluster ${cluster} do not get ${count} of the endpoints in EndpointSlice ${slice}: those are pods that run elsewhere, which takes a network between clusters`,
})

export const endpointsRefused = (cluster: string, slice: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'EndpointsRefusedByLeaf',
  action: 'CopyingEndpoints',
  note: `Cluster ${cluster} does not accept EndpointSlice ${slice} of the Service: ${said}`,
})
