import type { PodSpec } from '@kosmos/kube'
import { type PodMutation, withSpec } from '../translation.ts'

type Volume = NonNullable<PodSpec['volumes']>[number]
type Projected = NonNullable<Volume['projected']>
type Source = NonNullable<Projected['sources']>[number]
type Container = PodSpec['containers'][number]

/** The ConfigMap with the API server's CA that each cluster publishes in each namespace. */
export const rootCaConfigMap = 'kube-root-ca.crt'

/**
 * Leaves out what would let the pod talk to an API server. A service account of the root means nothing in the leaf, and a token
 * that the leaf issued under the same name would be another identity; so the copy runs as the leaf's `default` account without
 * a token, and projected tokens go, together with the CA and the namespace file that come with them.
 */
export const withholdApiAccess: PodMutation = (translation) => {
  const { serviceAccountName, serviceAccount, automountServiceAccountToken, ...rest } = translation.pod.spec
  const spec: PodSpec = { ...rest, automountServiceAccountToken: false }
  if (!spec.volumes?.some(hasToken)) return withSpec(translation, spec)

  const volumes = spec.volumes.flatMap((volume) => withoutToken(volume) ?? [])
  const gone = new Set(spec.volumes.map(({ name }) => name))
  for (const { name } of volumes) gone.delete(name)
  const message =
    "the pod runs without its service account's token: the Cluster does not say where the leaf reaches the root's API server (spec.clusterTreeOptions.rootAPIServer)"
  return {
    ...withSpec(translation, {
      ...spec,
      volumes,
      containers: spec.containers.map((container) => withoutMounts(container, gone)),
      ...(spec.initContainers && {
        initContainers: spec.initContainers.map((container) => withoutMounts(container, gone)),
      }),
    }),
    omissions: [...translation.omissions, { reason: 'ApiAccessOmitted', message }],
  }
}

function hasToken({ projected }: Volume): boolean {
  return projected?.sources?.some((source) => source.serviceAccountToken !== undefined) ?? false
}

/** The volume with its other sources, or undefined when it served API access alone. */
function withoutToken(volume: Volume): Volume | undefined {
  if (!hasToken(volume)) return volume
  const sources = (volume.projected?.sources ?? []).filter(
    (source) => source.serviceAccountToken === undefined && source.configMap?.name !== rootCaConfigMap,
  )
  return sources.every(isNamespaceFile) ? undefined : { ...volume, projected: { ...volume.projected, sources } }
}

/** The third source of the volume that ServiceAccount admission adds: the file `namespace`. */
function isNamespaceFile({ downwardAPI }: Source): boolean {
  const items = downwardAPI?.items
  return items?.length === 1 && items[0]?.path === 'namespace' && items[0].fieldRef?.fieldPath === 'metadata.namespace'
}

function withoutMounts(container: Container, gone: ReadonlySet<string>): Container {
  const { volumeMounts, ...rest } = container
  if (!volumeMounts?.some(({ name }) => gone.has(name))) return container
  const left = volumeMounts.filter(({ name }) => !gone.has(name))
  return left.length > 0 ? { ...rest, volumeMounts: left } : rest
}
