import { type Client, customResourceDefinitions, describeObject, type KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { isFor, openGates, servesAdmissionPolicies } from './admission.ts'
import { definitions } from './definitions.ts'
import { installManifests } from './manifests.ts'
import { markOfInstall, removeMcsDefinitions } from './mcs-definitions.ts'
import { isNamespace, remove } from './remove.ts'

export interface UninstallOptions {
  readonly root: KubeConfigSource
  /** Has the API server say what would be removed, and removes nothing. */
  readonly dryRun?: boolean
}

export interface UninstallResult {
  readonly removed: readonly string[]
  /** What stays, and why. */
  readonly kept: readonly { readonly what: string; readonly why: string }[]
  /** Pods that waited for a place by a policy, and are let go. */
  readonly released: readonly string[]
}

/** Undoes install. Refuses while a cluster is joined: nobody would be left to clean up its leaf. */
export async function uninstall(
  { root, dryRun = false }: UninstallOptions,
  progress: Progress,
): Promise<UninstallResult> {
  return await withClusters({ root }, async ({ root: { client } }) => {
    await refuseWhileJoined(client)
    const hasPolicies = await servesAdmissionPolicies(client)
    // A root that has the policies by now may still have the webhook.
    const manifests = (await installManifests()).reverse().filter((one) => isFor(hasPolicies, one) || isFor(false, one))
    const title = `${dryRun ? 'looking at' : 'removing'} the controllers and the kinds of kosmos.io`
    return await progress.step(title, async (note) => {
      const removed: string[] = []
      const kept: UninstallResult['kept'][number][] = []
      for (const manifest of [...manifests.filter((one) => !isNamespace(one)), ...manifests.filter(isNamespace)]) {
        note(describeObject(manifest))
        const why = await remove(client, manifest, dryRun)
        if (why === undefined) removed.push(describeObject(manifest))
        else if (why !== 'NotFound') kept.push({ what: describeObject(manifest), why })
      }
      const shared = await removeMcsDefinitions(client, markOfInstall, dryRun)
      removed.push(...shared.removed)
      kept.push(...shared.kept.map(({ what, why }) => ({ what, why })))
      // Nothing gates pods any more, and nobody opens gates.
      note('gates of pods that wait for a place')
      return { removed, kept, released: await openGates(client, dryRun) }
    })
  })
}

async function refuseWhileJoined(root: Client): Promise<void> {
  const name = definitions()[0]?.metadata?.name ?? ''
  if ((await root.get(customResourceDefinitions, { name })) === undefined) return
  const joined = (await root.listAll(clusters)).map(({ metadata }) => metadata.name)
  if (joined.length === 0) return
  throw new Failure(`there are joined clusters: ${joined.join(', ')}`, {
    next: `give them up first: ${joined.map((cluster) => `kosmosctl unjoin ${cluster}`).join(' && ')}`,
  })
}
