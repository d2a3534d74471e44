import { rootClusterLabel } from '@kosmos/api'
import type { Client, Secret } from '@kosmos/kube'
import { givenUpAnnotation } from '../clusters/names.ts'
import { applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { credentialsSecret } from '../join/root-manifests.ts'
import { isGivenUp, kubeconfigOf, type Reached, type StoredCluster } from './joined.ts'
import type { Remainder } from './leave-leaf.ts'

/**
 * Notes in the root that in the leaf nothing is left to do but to delete the account, so that an unjoin which is killed after that can be
 * finished: by then the credentials are of no use. A later join applies the Secret without the note, which takes it away.
 */
export async function noteGivenUp(
  root: Client,
  cluster: string,
  secret: Secret,
  remains: readonly Remainder[],
): Promise<void> {
  const kubeconfig = kubeconfigOf(secret)
  if (kubeconfig === '') return
  const manifest = credentialsSecret(cluster, kubeconfig)
  const { uid } = secret.metadata
  const annotations = { [givenUpAnnotation]: String(remains.length) }
  await applyTo(root, { ...manifest, metadata: { ...manifest.metadata, uid, annotations } } as Manifest)
}

/**
 * What an earlier unjoin had left in the leaf when it deleted the account there; undefined: none had come so far. That the credentials are nobody's
 * in the leaf tells that the account is gone; before that, the note alone says nothing, nor does a leaf that allows them nothing. Pure.
 */
export function leftByGivenUp(
  reached: Reached,
  cluster: StoredCluster | undefined,
  secret: Secret | undefined,
  rootId: string,
): readonly Remainder[] | undefined {
  if (!isGivenUp(cluster, secret) || reached.leaf !== undefined || !reached.isRefused) return undefined
  const count = secret?.metadata.annotations?.[givenUpAnnotation]
  if (count === '0') return []
  return [
    {
      what: `namespaces, claims or kinds that others use or that have data: ${count}`,
      why: 'the unjoin that found them was interrupted before it could name them',
      command: `kubectl get namespaces,persistentvolumeclaims,customresourcedefinitions --all-namespaces -l ${rootClusterLabel}=${rootId}`,
    },
  ]
}
