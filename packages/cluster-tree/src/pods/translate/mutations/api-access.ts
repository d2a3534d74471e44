import { tokenSecretAnnotation } from '@kosmos/api'
import type { PodSpec } from '@kosmos/kube'
import { authorityKey, tokenSecretName, tokenWishes, wishOf } from '../../../tokens/wishes.ts'
import type { ApiServerAddress, PodMutation } from '../translation.ts'
import { keepToLeafApi, wantsLeafApi } from './leaf-api-access.ts'
import { rootCaConfigMap, withholdApiAccess } from './service-account.ts'

type Volume = NonNullable<PodSpec['volumes']>[number]
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number]
type KeyToPath = NonNullable<NonNullable<Source['configMap']>['items']>[number]
type Containers = Pick<PodSpec['containers'][number], 'env'>

/**
 * Lets the pod talk to the root's API server as its own service account: the files that clients look for hold tokens of the
 * root and the root's authority, and the variables name the address at which pods of this leaf reach it. In the leaf it runs
 * as `default` without a token: there, the root's account is nobody. A pod may ask for the leaf's API server instead.
 */
export const carryApiAccess: PodMutation = (translation, root, ctx) => {
  if (wantsLeafApi(root)) return keepToLeafApi(translation, root, ctx)
  const { apiServer } = ctx
  if (!apiServer) return withholdApiAccess(translation, root, ctx)
  const { serviceAccountName: _, serviceAccount: __, ...rest } = translation.pod.spec
  const hasTokens = tokenWishes(rest).length > 0
  const secret = tokenSecretName(root)
  // As a kubelet does: the group of the pod reads a token, and nobody else.
  const mode = rest.securityContext?.fsGroup === undefined ? {} : { mode: 0o600 }
  const { metadata } = translation.pod
  return {
    ...translation,
    pod: {
      ...translation.pod,
      ...(hasTokens && {
        metadata: { ...metadata, annotations: { ...metadata.annotations, [tokenSecretAnnotation]: secret } },
      }),
      spec: {
        ...rest,
        automountServiceAccountToken: false,
        ...(hasTokens && rest.volumes && { volumes: rest.volumes.map((volume) => fromSecret(volume, secret, mode)) }),
        containers: rest.containers.map((container) => withAddress(container, apiServer)),
        ...(rest.initContainers && {
          initContainers: rest.initContainers.map((container) => withAddress(container, apiServer)),
        }),
      },
    },
  }
}

/** The volume with what came from the kubelet and the leaf's API server taken from the Secret instead. */
function fromSecret(volume: Volume, secret: string, mode: Pick<KeyToPath, 'mode'>): Volume {
  const { configMap, projected } = volume
  if (projected?.sources) {
    return {
      ...volume,
      projected: { ...projected, sources: projected.sources.map((from) => sourceFrom(from, secret, mode)) },
    }
  }
  if (configMap?.name !== rootCaConfigMap) return volume
  const { configMap: _, ...rest } = volume
  const { name, items, ...how } = configMap
  return { ...rest, secret: { ...how, secretName: secret, items: authorityItems(items) } }
}

function sourceFrom(source: Source, secret: string, mode: Pick<KeyToPath, 'mode'>): Source {
  const { serviceAccountToken, configMap } = source
  if (serviceAccountToken) {
    const { audience, expirationSeconds, ...file } = serviceAccountToken
    return { secret: { name: secret, items: [{ key: wishOf(serviceAccountToken).key, ...file, ...mode }] } }
  }
  if (configMap?.name !== rootCaConfigMap) return source
  return { secret: { ...configMap, name: secret, items: authorityItems(configMap.items) } }
}

/** The ConfigMap has one key, of the name that it has in our Secret. */
function authorityItems(items: readonly KeyToPath[] | undefined): KeyToPath[] {
  return [...(items ?? [{ key: authorityKey, path: authorityKey }])]
}

/** What in-cluster clients read (client-go rest.InClusterConfig); a container's own values win. */
function withAddress<C extends Containers>(container: C, { host, port }: ApiServerAddress): C {
  const address = host.includes(':') ? `[${host}]` : host
  const variables = {
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: port,
    KUBERNETES_SERVICE_PORT_HTTPS: port,
    KUBERNETES_PORT: `tcp://${address}:${port}`,
  }
  const own = container.env ?? []
  const taken = new Set(own.map(({ name }) => name))
  const added = Object.entries(variables).flatMap(([name, value]) => (taken.has(name) ? [] : [{ name, value }]))
  return { ...container, env: [...added, ...own] }
}
