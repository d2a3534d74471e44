import type { Action } from './areas.ts'

/** What a virtual node does not serve although a kubelet may, and why. */
export const unserved = {
  allocatedPods: 'it is alpha in Kubernetes, and kubelets do not serve it either unless a gate opens it; see /pods',
  run: 'no client uses it any more; kubectl exec does the same',
  nodeLogs: "the system logs of a leaf's nodes belong to that cluster and are to be had there",
  debug: 'a virtual node is no Go program; the kubelets of the leaf can be profiled there',
} as const satisfies Partial<Record<Action, string>>
