import type { Notice } from '../root/events.ts'

export const certificateNotRenewed = (volume: string, why: string): Notice => ({
  type: 'Warning',
  reason: 'PodCertificateNotRenewed',
  action: 'RenewingCertificate',
  note: `The certificate in volume ${volume} is not renewed, and the pod keeps the one that it has: ${why}`,
})

export const certificateNotDelivered = (volume: string, why: string): Notice => ({
  type: 'Warning',
  reason: 'PodCertificateNotDelivered',
  action: 'DeliveringCertificate',
  note: `The certificate for volume ${volume} is issued and not in the leaf: ${why}`,
})
