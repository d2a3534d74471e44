import { apiServerAnnotation } from '@kosmos/api'
import type { Pod, PodSpec } from '@kosmos/kube'
import { type PodMutation, withSpec } from '../translation.ts'

type Container = PodSpec['containers'][number]

/** Where ServiceAccount admission mounts what it adds, and what it calls that (k8s.io/kubernetes plugin/pkg/admission/serviceaccount). */
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'

/** Whether a pod wants to talk to the API server of the leaf that it is in. */
export function wantsLeafApi({ metadata }: Pod): boolean {
  return metadata.annotations?.[apiServerAnnotation] === 'leaf'
}

/**
 * Lets the pod run as the leaf's service account of that name: what the root's admission added goes, and that of the leaf adds
 * its own. Only where the Cluster allows it, since the accounts of the leaf are not the root's to give away.
 */
export const keepToLeafApi: PodMutation = (translation, _root, { leafApi, clusterName }) => {
  if (!leafApi) {
    const message = `the pod asks for the API server of its leaf, and Cluster ${clusterName} does not allow that (spec.clusterTreeOptions.leafAPIAccess): remove the annotation ${apiServerAnnotation}, or allow it`
    return { ...translation, problems: [...translation.problems, { reason: 'LeafAPIAccessDenied', message }] }
  }
  const { volumes, initContainers, containers, ...spec } = translation.pod.spec
  return withSpec(translation, {
    ...spec,
    ...(volumes && { volumes: volumes.filter(({ name }) => !name.startsWith(VOLUME_PREFIX)) }),
    ...(initContainers && { initContainers: initContainers.map(withoutMount) }),
    containers: containers.map(withoutMount),
  })
}

function withoutMount({ volumeMounts, ...container }: Container): Container {
  const left = volumeMounts?.filter(
    ({ name, mountPath }) => mountPath !== MOUNT_PATH || !name.startsWith(VOLUME_PREFIX),
  )
  return { ...container, ...(left && { volumeMounts: left }) }
}
