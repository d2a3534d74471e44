import {
  askedPlaceAnnotation,
  deletionCostAnnotation,
  leafScheduledCondition,
  podDeletionCostAnnotation,
  roomAtAnnotation,
  seatAnnotation,
  workloadPolicyAnnotation,
} from '@kosmos/api'
import { formatResources, type Pod, podRequests } from '@kosmos/kube'
import { isGated } from './standing.ts'

/**
 * What placement reads of a pod. All pods of the root are held, since those that were bound by hand or before there was a
 * policy count as well; most of a pod is its containers.
 */
export function slimPod(pod: Pod): Pod {
  const { apiVersion, kind, metadata, spec, status } = pod
  const { name, namespace, uid, resourceVersion, labels, annotations, ownerReferences } = metadata
  const { creationTimestamp, deletionTimestamp } = metadata
  const { nodeName, schedulingGates, nodeSelector, affinity, tolerations, resourceClaims, priority, preemptionPolicy } =
    spec
  const claims = spec.volumes?.filter(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral)
  const ports = spec.containers.flatMap(({ ports = [] }) => ports.filter(({ hostPort }) => hostPort))
  const spread = spec.topologySpreadConstraints?.filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  )
  const conditions = status?.conditions?.filter(isRead)
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      ...(labels && { labels }),
      ...(annotations && { annotations: kept(annotations) }),
      ...(ownerReferences && { ownerReferences }),
      ...(creationTimestamp && isGated(pod) && { creationTimestamp }),
      ...(deletionTimestamp && { deletionTimestamp }),
    },
    spec: {
      // One container that asks for what all of them do.
      containers: [
        {
          name: 'all',
          resources: { requests: formatResources(podRequests(pod)) },
          ...(ports.length > 0 && { ports }),
        },
      ],
      ...(nodeName && { nodeName }),
      ...(priority && { priority }),
      ...(preemptionPolicy && !nodeName && { preemptionPolicy }),
      ...(schedulingGates && { schedulingGates }),
      ...(nodeSelector && { nodeSelector }),
      ...(affinity && { affinity: isGated(pod) ? affinity : { nodeAffinity: affinity.nodeAffinity } }),
      ...(spread && spread.length > 0 && { topologySpreadConstraints: spread }),
      ...(resourceClaims && { resourceClaims }),
      ...(tolerations && { tolerations }),
      ...(claims && claims.length > 0 && { volumes: claims }),
    },
    status: {
      ...(status?.phase && { phase: status.phase }),
      ...(conditions && { conditions }),
      ...(status?.nominatedNodeName && { nominatedNodeName: status.nominatedNodeName }),
    },
  } as Pod
}

const readConditions: readonly string[] = ['Ready', leafScheduledCondition]
/** That kube-scheduler finds no node is read; that it has found one, or waits for a gate, is in the spec as well. */
const isRead = ({ type, reason }: { readonly type: string; readonly reason?: string }) =>
  readConditions.includes(type) || (type === 'PodScheduled' && reason === 'Unschedulable')
const read: readonly string[] = [
  workloadPolicyAnnotation,
  seatAnnotation,
  askedPlaceAnnotation,
  roomAtAnnotation,
  podDeletionCostAnnotation,
  deletionCostAnnotation,
]

const kept = (annotations: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => read.includes(name)))
