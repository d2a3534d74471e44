import type { PodSpec } from '@kosmos/kube'
import { rootCaConfigMap } from '../translate/mutations/service-account.ts'

type Container = PodSpec['containers'][number]
type EphemeralContainer = NonNullable<PodSpec['ephemeralContainers']>[number]
type Volume = NonNullable<PodSpec['volumes']>[number]

export type ReferredKind = 'ConfigMap' | 'Secret'

/** A ConfigMap or Secret, in the pod's namespace, that a pod names. */
export interface Reference {
  readonly kind: ReferredKind
  readonly name: string
  /** True when the pod starts without it: every use says so, or it is only used to pull images. */
  readonly optional: boolean
  /** Where in the spec, for messages: `volume config`, `env TOKEN of container web`. */
  readonly usedBy: readonly string[]
}

/**
 * The ConfigMaps and Secrets that a pod names, each once, in the order of first use. Follows VisitPodSecretNames and
 * VisitPodConfigmapNames of upstream pkg/api/v1/pod/util.go, which also decide what a kubelet may read.
 *
 * `kube-root-ca.crt` is not among them: each cluster publishes its own in each namespace, and a copy would fight with it.
 */
export function references(spec: PodSpec): readonly Reference[] {
  const found = new Map<string, Reference>()
  for (const { kind, name, optional = false, usedBy } of uses(spec)) {
    if (!name || (kind === 'ConfigMap' && name === rootCaConfigMap)) continue
    const known = found.get(`${kind}/${name}`)
    found.set(`${kind}/${name}`, {
      kind,
      name,
      optional: optional && (known?.optional ?? true),
      usedBy: [...(known?.usedBy ?? []), usedBy],
    })
  }
  return [...found.values()]
}

interface Use {
  readonly kind: ReferredKind
  readonly name?: string | undefined
  readonly optional?: boolean | undefined
  readonly usedBy: string
}

function* uses(spec: PodSpec): Generator<Use> {
  for (const { name } of spec.imagePullSecrets ?? []) {
    // A kubelet pulls without a pull secret that it does not find.
    yield { kind: 'Secret', name, optional: true, usedBy: 'imagePullSecrets' }
  }
  for (const volume of spec.volumes ?? []) yield* usesOfVolume(volume)
  for (const container of spec.initContainers ?? [])
    yield* usesOfContainer(container, `init container ${container.name}`)
  for (const container of spec.containers) yield* usesOfContainer(container, `container ${container.name}`)
  for (const container of spec.ephemeralContainers ?? []) {
    yield* usesOfContainer(container, `ephemeral container ${container.name}`)
  }
}

function* usesOfContainer({ env, envFrom }: Container | EphemeralContainer, container: string): Generator<Use> {
  for (const { configMapRef, secretRef } of envFrom ?? []) {
    const usedBy = `envFrom of ${container}`
    if (configMapRef) yield { kind: 'ConfigMap', ...configMapRef, usedBy }
    if (secretRef) yield { kind: 'Secret', ...secretRef, usedBy }
  }
  for (const { name: variable, valueFrom } of env ?? []) {
    const usedBy = `env ${variable} of ${container}`
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {}
    if (configMapKeyRef) yield { kind: 'ConfigMap', ...configMapKeyRef, usedBy }
    if (secretKeyRef) yield { kind: 'Secret', ...secretKeyRef, usedBy }
  }
}

function* usesOfVolume(volume: Volume): Generator<Use> {
  const usedBy = `volume ${volume.name}`
  const { configMap, secret, projected, azureFile, csi } = volume
  if (configMap) yield { kind: 'ConfigMap', name: configMap.name, optional: configMap.optional, usedBy }
  if (secret) yield { kind: 'Secret', name: secret.secretName, optional: secret.optional, usedBy }
  for (const source of projected?.sources ?? []) {
    if (source.configMap) yield { kind: 'ConfigMap', ...source.configMap, usedBy }
    if (source.secret) yield { kind: 'Secret', ...source.secret, usedBy }
  }
  if (azureFile) yield { kind: 'Secret', name: azureFile.secretName, usedBy }
  const { cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos } = volume
  for (const source of [cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos]) {
    yield { kind: 'Secret', name: source?.secretRef?.name, usedBy }
  }
  yield { kind: 'Secret', name: csi?.nodePublishSecretRef?.name, usedBy }
}
