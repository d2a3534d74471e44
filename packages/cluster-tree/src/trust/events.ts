import type { Notice } from '../root/events.ts'

export const trustNotDelivered = (why: string): Notice => ({
  type: 'Warning',
  reason: 'TrustNotDelivered',
  action: 'DeliveringTrust',
  note: `The pod's ClusterTrustBundles are not in the leaf as they are in the root: ${why}`,
})
