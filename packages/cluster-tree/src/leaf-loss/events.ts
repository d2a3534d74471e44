import type { Notice } from '../root/events.ts'

export const failedOver = (node: string): Notice => ({
  type: 'Warning',
  reason: 'FailedOver',
  action: 'FailingOver',
  note: `Node ${node} is declared out of service because its leaf cannot be reached: its pods are replaced elsewhere`,
})

export const noAlternative = (node: string): Notice => ({
  type: 'Warning',
  reason: 'NoAlternative',
  action: 'FailingOver',
  note: `The leaf cannot be reached, but pods of node ${node} stay: the root has no other node that is Ready and schedulable`,
})

export const takenBack = (node: string): Notice => ({
  type: 'Normal',
  reason: 'FailoverEnded',
  action: 'FailingOver',
  note: `Node ${node} takes pods again: its leaf has none left that was replaced`,
})
