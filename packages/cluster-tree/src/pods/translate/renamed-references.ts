import type { PodSpec } from '@kosmos/kube'

type CopiedKind = 'ConfigMap' | 'Secret' | 'PersistentVolumeClaim'

/** What something that the pod names is called elsewhere. */
export type Rename = (kind: CopiedKind, name: string) => string

/** Fields that hold a reference, at any depth of a volume or a variable; the name in it is one of {@link NAMES}. */
const FIELDS: Readonly<Record<string, CopiedKind>> = {
  configMap: 'ConfigMap',
  configMapRef: 'ConfigMap',
  configMapKeyRef: 'ConfigMap',
  secret: 'Secret',
  secretRef: 'Secret',
  secretKeyRef: 'Secret',
  nodePublishSecretRef: 'Secret',
  azureFile: 'Secret',
  persistentVolumeClaim: 'PersistentVolumeClaim',
}
const NAMES = ['name', 'secretName', 'claimName'] as const

/** The spec with the ConfigMaps and Secrets that `references` finds, and its claims, called otherwise. Pure. */
export function renameReferences<S extends Partial<PodSpec>>(spec: S, rename: Rename): S {
  const { volumes, imagePullSecrets } = spec
  const renamed: Partial<PodSpec> = {
    ...(volumes && { volumes: within(volumes, rename) }),
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map((ref) => named(ref, 'Secret', rename)) }),
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    const containers = spec[list]
    if (!containers) continue
    const all = containers.map(({ env, envFrom, ...container }) => ({
      ...container,
      ...(env && { env: within(env, rename) }),
      ...(envFrom && { envFrom: within(envFrom, rename) }),
    }))
    Object.assign(renamed, { [list]: all })
  }
  return { ...spec, ...renamed }
}

function within<T>(value: T, rename: Rename): T {
  if (Array.isArray(value)) return value.map((item) => within(item, rename)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([field, inner]) => {
    const kind = FIELDS[field]
    const isReference = kind !== undefined && typeof inner === 'object' && inner !== null
    return [field, isReference ? named(inner as object, kind, rename) : within(inner, rename)]
  })
  return Object.fromEntries(entries) as T
}

function named<R extends object>(reference: R, kind: CopiedKind, rename: Rename): R {
  const names = NAMES.flatMap((field) => {
    const name = (reference as Record<string, unknown>)[field]
    return typeof name === 'string' && name !== '' ? [[field, rename(kind, name)]] : []
  })
  return { ...reference, ...Object.fromEntries(names) }
}
