import {
  type Client,
  census,
  customResourceDefinitions,
  describeObject,
  type KubeConfigSource,
  type KubeObject,
} from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { resourceOf } from '../clusters/resource-of.ts'
import { clusters, type Manifest } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { isOfAdmission, openGates, servesAdmissionPolicies } from './admission.ts'
import { definitions } from './definitions.ts'
import { installManifests, partOf } from './manifests.ts'

export interface UninstallOptions {
  readonly root: KubeConfigSource
}

export interface UninstallResult {
  readonly removed: readonly string[]
  /** What stays, and why. */
  readonly kept: readonly { readonly what: string; readonly why: string }[]
  /** Pods that waited for a place by a policy, and are let go. */
  readonly released: readonly string[]
}

/** Undoes install. Refuses while a cluster is joined: nobody would be left to clean up its leaf. */
export async function uninstall({ root }: UninstallOptions, progress: Progress): Promise<UninstallResult> {
  return await withClusters({ root }, async ({ root: { client } }) => {
    await refuseWhileJoined(client)
    const canGate = await servesAdmissionPolicies(client)
    const manifests = (await installManifests()).reverse().filter((one) => canGate || !isOfAdmission(one))
    return await progress.step('removing the controllers and the kinds of kosmos.io', async (note) => {
      const removed: string[] = []
      const kept: UninstallResult['kept'][number][] = []
      for (const manifest of [...manifests.filter((one) => !isNamespace(one)), ...manifests.filter(isNamespace)]) {
        note(describeObject(manifest))
        const why = await remove(client, manifest)
        if (why === undefined) removed.push(describeObject(manifest))
        else if (why !== 'NotFound') kept.push({ what: describeObject(manifest), why })
      }
      // Nothing gates pods any more, and nobody opens gates.
      return { removed, kept, released: await openGates(client) }
    })
  })
}

const isNamespace = ({ kind }: Manifest): boolean => kind === 'Namespace'

async function refuseWhileJoined(root: Client): Promise<void> {
  const name = definitions()[0]?.metadata?.name ?? ''
  if ((await root.get(customResourceDefinitions, { name })) === undefined) return
  const joined = (await root.listAll(clusters)).map(({ metadata }) => metadata.name)
  if (joined.length === 0) return
  throw new Failure(`there are joined clusters: ${joined.join(', ')}`, {
    next: `give them up first: ${joined.map((cluster) => `kosmosctl unjoin ${cluster}`).join(' && ')}`,
  })
}

/** Deletes what install made; resolves with the reason if it stays. */
async function remove(root: Client, manifest: Manifest): Promise<string | undefined> {
  const resource = resourceOf(manifest)
  const { name = '', namespace } = manifest.metadata ?? {}
  const existing = await root.get(resource, { name, namespace })
  if (existing === undefined) return 'NotFound'
  if (manifest.kind !== 'CustomResourceDefinition' && !isPart(existing)) return 'it was not made by install'
  if (isNamespace(manifest)) {
    const found = await census(root, name, (object, kind) => isPart(object) || kind.plural === 'leases')
    if (found.kind === 'foreign') return `${found.example} is in it`
    if (found.kind === 'unknown') return `${found.kinds.join(', ')} may not be listed`
  }
  const { uid = '' } = existing.metadata ?? {}
  const outcome = await root.delete(resource, { name, namespace }, { uid, propagationPolicy: 'Background' })
  if (outcome.ok || outcome.reason === 'NotFound') return undefined
  return outcome.status.message ?? outcome.reason
}

const isPart = ({ metadata }: KubeObject): boolean => metadata?.labels?.[partOf.label] === partOf.value
