import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, describeObject, type KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { withImages } from '../clusters/images.ts'
import { applyTo } from '../clusters/own.ts'
import { deployments } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { isFor, servesAdmissionPolicies } from './admission.ts'
import { installDefinitions } from './definitions.ts'
import { waitingForControllers } from './left.ts'
import { type InstallValues, installManifests } from './manifests.ts'
import { installMcsDefinitions, markOfInstall } from './mcs-definitions.ts'
import { remove } from './remove.ts'
import { rolloutOf } from './rollout.ts'

export interface InstallOptions extends InstallValues {
  readonly root: KubeConfigSource
  /** How long to wait for the controllers, in seconds; 0: not at all. Default: 120. */
  readonly timeoutSeconds?: number
}

/**
 * Applies the manifests of this version in the root; also upgrades. Without an image, one that was chosen before stays.
 * Returns what was applied, as `Kind name`.
 */
export async function install(options: InstallOptions, progress: Progress): Promise<string[]> {
  return await withClusters({ root: options.root }, async ({ root: { client } }) => {
    const image = { asked: options.image, option: '--image' }
    const manifests = await withImages(client, await installManifests(options), image, (text) => progress.warn(text))
    await progress.step('installing the kinds of kosmos.io', () => installDefinitions(client))
    const shared = await progress.step('installing ServiceExport and ServiceImport where they are missing', () =>
      installMcsDefinitions(client, markOfInstall, (text) => progress.warn(text)),
    )
    const hasPolicies = await servesAdmissionPolicies(client)
    const others = manifests.filter(
      (manifest) => manifest.kind !== 'CustomResourceDefinition' && isFor(hasPolicies, manifest),
    )
    if (others.length > 0) {
      await progress.step('installing the controllers', async (note) => {
        for (const manifest of others) {
          note(describeObject(manifest))
          await applyTo(client, manifest)
        }
        // What another version of the root needed.
        const needless = hasPolicies ? manifests.filter((manifest) => !isFor(hasPolicies, manifest)) : []
        for (const manifest of needless.reverse()) await remove(client, manifest)
      })
      const { timeoutSeconds = 120 } = options
      const deployed = others.filter(({ kind }) => kind === 'Deployment')
      if (timeoutSeconds > 0) {
        const deadline = Date.now() + timeoutSeconds * 1000
        await progress.step(waitingForControllers, async (note) => {
          for (const { metadata } of deployed) {
            await rolledOut(client, { name: metadata?.name ?? '', namespace: metadata?.namespace }, deadline, note)
          }
        })
      }
    }
    const kinds = manifests.filter(({ kind }) => kind === 'CustomResourceDefinition')
    return [...kinds, ...shared, ...others].map(describeObject)
  })
}

async function rolledOut(
  client: Client,
  ref: { name: string; namespace: string | undefined },
  deadline: number,
  note: (text: string) => void,
): Promise<void> {
  for (;;) {
    const deployment = await client.get(deployments, ref)
    const rollout = deployment && rolloutOf(deployment)
    if (rollout?.state === 'done') return
    const why = rollout?.note ?? 'it is gone'
    note(`${ref.name}: ${why}`)
    if (rollout?.state === 'stuck' || Date.now() > deadline) {
      throw new Failure(`the controllers are installed, but Deployment ${ref.name} is not up to date: ${why}`, {
        next: `kubectl describe pods -n ${ref.namespace} -l app.kubernetes.io/name=${ref.name}`,
      })
    }
    await sleep(1_000)
  }
}
