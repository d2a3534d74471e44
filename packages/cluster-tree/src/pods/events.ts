import type { Notice } from '../root/events.ts'
import type { Reference } from './needs/references.ts'
import type { Omission, Problem } from './translate/translation.ts'
import type { Waiting } from './waiting/waiting.ts'

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

/** The reasons are those of virtual-kubelet (internal/podutils/env.go), which its end-to-end tests expect. */
export const notFound = ({ kind, name, optional, usedBy }: Reference): Notice => ({
  type: optional ? 'Normal' : 'Warning',
  reason: `${optional ? 'Optional' : 'Mandatory'}${kind}NotFound`,
  action: 'CreatingLeafPod',
  note: `${kind} ${name} (${usedBy.join(', ')}) does not exist; the pod ${optional ? 'starts without it' : 'starts when it does'}`,
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

export const stuckInLeaf = (cluster: string): Notice => ({
  type: 'Warning',
  reason: 'StuckInLeaf',
  action: 'ReflectingStatus',
  note: `The pod was to end in cluster ${cluster} and does not: its node there seems to be lost. It is deleted here, so that its owner can make another`,
})

export const recreated = (cluster: string): Notice => ({
  type: 'Normal',
  reason: 'RecreatedInLeaf',
  action: 'CreatingLeafPod',
  note: `The pod was disrupted in cluster ${cluster} and was created there again`,
})

export const notEvicted = (node: string, said: string): Notice => ({
  type: 'Warning',
  reason: 'NotEvicted',
  action: 'RetiringVirtualNode',
  note: `Node ${node} is given up, and the pod may not be evicted yet: ${said}`,
})
