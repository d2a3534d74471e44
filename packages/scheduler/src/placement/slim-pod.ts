import {
  leafScheduledCondition,
  podDeletionCostAnnotation,
  seatAnnotation,
  workloadPolicyAnnotation,
} from '@kosmos/api'
import { formatResources, type Pod, podRequests } from '@kosmos/kube'

/**
 * What placement reads of a pod. All pods of the root are held, since those that were bound by hand or before there was a
 * policy count as well; most of a pod is its containers.
 */
export function slimPod(pod: Pod): Pod {
  const { apiVersion, kind, metadata, spec, status } = pod
  const { name, namespace, uid, resourceVersion, labels, annotations, ownerReferences, deletionTimestamp } = metadata
  const { nodeName, schedulingGates, nodeSelector, affinity, tolerations } = spec
  const claims = spec.volumes?.filter(({ persistentVolumeClaim }) => persistentVolumeClaim)
  const conditions = status?.conditions?.filter(({ type }) => readConditions.includes(type))
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
      ...(deletionTimestamp && { deletionTimestamp }),
    },
    spec: {
      // One container that asks for what all of them do.
      containers: [{ name: 'all', resources: { requests: formatResources(podRequests(pod)) } }],
      ...(nodeName && { nodeName }),
      ...(schedulingGates && { schedulingGates }),
      ...(nodeSelector && { nodeSelector }),
      ...(affinity?.nodeAffinity && { affinity: { nodeAffinity: affinity.nodeAffinity } }),
      ...(tolerations && { tolerations }),
      ...(claims && claims.length > 0 && { volumes: claims }),
    },
    status: { ...(status?.phase && { phase: status.phase }), ...(conditions && { conditions }) },
  } as Pod
}

const readConditions: readonly string[] = ['Ready', leafScheduledCondition]
const read: readonly string[] = [workloadPolicyAnnotation, seatAnnotation, podDeletionCostAnnotation]

const kept = (annotations: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => read.includes(name)))
