import type { Notice } from '../root/events.ts'
import type { Omission, Problem } from './translation.ts'
import type { Waiting } from './waiting.ts'

export const createdInLeaf = (cluster: string): Notice => ({
  type: 'Normal',
  reason: 'CreatedInLeaf',
  action: 'CreatingLeafPod',
  note: `Created the pod in cluster ${cluster}`,
})

export const omitted = ({ reason, message }: Omission): Notice => ({
  type: 'Normal',
  reason,
  action: 'TranslatingPod',
  note: message,
})

export const notTranslatable = ({ reason, message }: Problem): Notice => ({
  type: 'Warning',
  reason,
  action: 'TranslatingPod',
  note: message,
})

export const waitingInRoot = ({ reason, message }: Waiting): Notice => ({
  type: 'Warning',
  reason,
  action: 'CreatingLeafPod',
  note: message,
})

export const changeRefused = (cluster: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'ChangeRefusedByLeaf',
  action: 'ChangingLeafPod',
  note: `Cluster ${cluster} does not accept the change of the pod, which goes on as it was: ${said}`,
})

export const vanishedInLeaf = (cluster: string): Notice => ({
  type: 'Warning',
  reason: 'VanishedInLeaf',
  action: 'ReflectingStatus',
  note: `The pod disappeared from cluster ${cluster} without being deleted in the root`,
})
