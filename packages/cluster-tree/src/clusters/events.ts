import type { Notice } from '../root/events.ts'

export const credentialsMoved = (secret: string): Notice => ({
  type: 'Normal',
  reason: 'CredentialsMoved',
  action: 'MovingCredentials',
  note: `Moved spec.kubeconfig into Secret ${secret}`,
})

export const credentialsNotMoved = (message: string): Notice => ({
  type: 'Warning',
  reason: 'CredentialsNotMoved',
  action: 'MovingCredentials',
  note: message,
})

export const leafStarted = (version: string): Notice => ({
  type: 'Normal',
  reason: 'LeafStarted',
  action: 'ConnectingLeaf',
  note: `Connected; the leaf runs Kubernetes ${version}`,
})

export const leafRefused = (reason: string, message: string): Notice => ({
  type: 'Warning',
  reason,
  action: 'ConnectingLeaf',
  note: message,
})

export const tokenNotRenewed = (message: string): Notice => ({
  type: 'Warning',
  reason: 'TokenNotRenewed',
  action: 'RenewingToken',
  note: `The token for the leaf was not renewed, it goes on until it expires: ${message}`,
})

export const leaving = (message: string): Notice => ({
  type: 'Normal',
  reason: 'Leaving',
  action: 'RemovingLeaf',
  note: message,
})

export const nodeRetired = (node: string): Notice => ({
  type: 'Normal',
  reason: 'VirtualNodeRetiring',
  action: 'RetiringVirtualNode',
  note: `leafModels does not describe node ${node} any more; its pods are evicted, and it goes with the last of them`,
})

export const orphanKept = (pod: string): Notice => ({
  type: 'Warning',
  reason: 'OrphanKept',
  action: 'ReflectingStatus',
  note: `The root was restored from a snapshot and does not remember pod ${pod}, which goes on in the leaf; kosmosctl get orphans lists such pods`,
})
