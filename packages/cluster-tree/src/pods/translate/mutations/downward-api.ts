import {
  orphanLabel,
  patienceAnnotation,
  podLabel,
  restartsAnnotation,
  rootClusterLabel,
  rootGenerationAnnotation,
  rootMetadataAnnotation,
  rootResourceVersionAnnotation,
  rootUidAnnotation,
  tokenSecretAnnotation,
} from '@kosmos/api'
import type { Pod, PodSpec } from '@kosmos/kube'
import { type PodMutation, withSpec } from '../translation.ts'

type Container = PodSpec['containers'][number]
type EnvVar = NonNullable<Container['env']>[number]
type Volume = NonNullable<PodSpec['volumes']>[number]
type DownwardFile = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number]

/**
 * Makes the downward API speak of the root pod. Name, namespace, labels and annotations are the same in the leaf, so the leaf's
 * kubelet resolves them (and keeps files current); the uid is read from the annotation that carries the root's. In variables,
 * the service account and the node are the root's, written out. What describes the machine the pod runs on (status.hostIP,
 * status.podIP, limits and requests) is the leaf's to tell.
 *
 * Files of `metadata.labels` and `metadata.annotations` as a whole contain our own stamps besides.
 */
export const resolveDownwardApi: PodMutation = (translation, root) => {
  const { containers, initContainers, volumes, ...spec } = translation.pod.spec
  const resolve = (container: Container) => resolveEnv(container, root)
  return withSpec(translation, {
    ...spec,
    containers: containers.map(resolve),
    ...(initContainers && { initContainers: initContainers.map(resolve) }),
    ...(volumes && { volumes: volumes.map(resolveVolume) }),
  })
}

const rootUidPath = `metadata.annotations['${rootUidAnnotation}']`

/** A value in which the kubelet finds no `$(VAR)`: it expands values, but not what fieldRef resolves to. */
const literal = (value: string) => value.replaceAll('$', '$$$$')

function resolveEnv(container: Container, root: Pod): Container {
  const { env } = container
  return env ? { ...container, env: env.map((variable) => resolveVariable(variable, root)) } : container
}

function resolveVariable(variable: EnvVar, root: Pod): EnvVar {
  const path = variable.valueFrom?.fieldRef?.fieldPath
  if (path === undefined) return variable
  if (path === 'metadata.uid') return { ...variable, valueFrom: { fieldRef: { fieldPath: rootUidPath } } }
  const value = rootValue(path, root)
  return value === undefined ? variable : { name: variable.name, value: literal(value) }
}

/** What the copy has under keys of its own. */
const stamped = {
  labels: [podLabel, rootClusterLabel, orphanLabel],
  annotations: [
    rootUidAnnotation,
    rootGenerationAnnotation,
    rootMetadataAnnotation,
    rootResourceVersionAnnotation,
    patienceAnnotation,
    restartsAnnotation,
    tokenSecretAnnotation,
  ],
} as const

/** The root pod's value of a field that has another value in the leaf. */
function rootValue(path: string, { metadata, spec }: Pod): string | undefined {
  if (path === 'spec.nodeName') return spec.nodeName
  if (path === 'spec.serviceAccountName') return spec.serviceAccountName ?? 'default'
  for (const field of ['labels', 'annotations'] as const) {
    const key = stamped[field].find((key) => path === `metadata.${field}['${key}']`)
    if (key) return metadata[field]?.[key] ?? ''
  }
  return undefined
}

function resolveVolume(volume: Volume): Volume {
  const { downwardAPI, projected } = volume
  if (downwardAPI?.items) {
    return { ...volume, downwardAPI: { ...downwardAPI, items: downwardAPI.items.map(resolveFile) } }
  }
  if (projected?.sources) {
    const sources = projected.sources.map((source) =>
      source.downwardAPI?.items ? { downwardAPI: { items: source.downwardAPI.items.map(resolveFile) } } : source,
    )
    return { ...volume, projected: { ...projected, sources } }
  }
  return volume
}

function resolveFile(file: DownwardFile): DownwardFile {
  return file.fieldRef?.fieldPath === 'metadata.uid' ? { ...file, fieldRef: { fieldPath: rootUidPath } } : file
}
