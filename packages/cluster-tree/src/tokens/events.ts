import type { Notice } from '../root/events.ts'

export const tokensNotRenewed = (why: string): Notice => ({
  type: 'Warning',
  reason: 'TokensNotDelivered',
  action: 'DeliveringTokens',
  note: `The pod's tokens for the root's API server are not in the leaf or not renewed: ${why}`,
})
