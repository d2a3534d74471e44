import { daemonsetAllowAnnotation, nodeTaint } from '@kosmos/api'
import type { Pod, Taint } from '@kosmos/kube'
import { isOfDaemonSet } from '../owner.ts'
import type { Waiting } from './waiting.ts'

/**
 * Why a pod of a DaemonSet does not run in a leaf: it tolerates every taint there is (kube-proxy, CNI plugins, exporters), and so
 * comes onto virtual nodes without meaning them. It means them if it names their taint or has the annotation. Pure.
 */
export function uninvited(pod: Pod, taints: readonly Taint[]): Waiting | undefined {
  const { metadata, spec } = pod
  if (!isOfDaemonSet(pod) || !taints.some(({ key }) => key === nodeTaint.key)) return undefined
  if ((metadata.annotations?.[daemonsetAllowAnnotation] ?? 'false') !== 'false') return undefined
  if (spec.tolerations?.some(({ key }) => key === nodeTaint.key)) return undefined
  return {
    reason: 'DaemonSetNotAllowed',
    message: `the pod's DaemonSet tolerates every taint, and so came onto a virtual node: to run it in leaves, give its pods the annotation ${daemonsetAllowAnnotation}: "true"; to keep it off, give them a node affinity with ${nodeTaint.key} DoesNotExist`,
  }
}
