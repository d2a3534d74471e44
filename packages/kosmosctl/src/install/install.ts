import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, describeObject, type KubeConfigSource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { applyTo } from '../clusters/own.ts'
import { deployments } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { isFor, servesAdmissionPolicies } from './admission.ts'
import { installDefinitions } from './definitions.ts'
import { type InstallValues, installManifests } from './manifests.ts'
import { installMcsDefinitions, markOfInstall } from './mcs-definitions.ts'
import { remove } from './remove.ts'

export interface InstallOptions extends InstallValues {
  readonly root: KubeConfigSource
  /** How long to wait for the controllers, in seconds; 0: not at all. Default: 120. */
  readonly timeoutSeconds?: number
}

/** Applies the manifests of this version in the root; also upgrades. Returns what was applied, as `Kind name`. */
export async function install(options: InstallOptions, progress: Progress): Promise<string[]> {
  return await withClusters({ root: options.root }, async ({ root: { client } }) => {
    const manifests = await installManifests(options)
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
        await progress.step('waiting for the controllers', async (note) => {
          for (const { metadata } of deployed) {
            await available(client, { name: metadata?.name ?? '', namespace: metadata?.namespace }, deadline, note)
          }
        })
      }
    }
    const kinds = manifests.filter(({ kind }) => kind === 'CustomResourceDefinition')
    return [...kinds, ...shared, ...others].map(describeObject)
  })
}

async function available(
  client: Client,
  ref: { name: string; namespace: string | undefined },
  deadline: number,
  note: (text: string) => void,
): Promise<void> {
  for (;;) {
    const deployment = await client.get(deployments, ref)
    const wanted = deployment?.spec.replicas ?? 1
    const ready = deployment?.status?.readyReplicas ?? 0
    if (ready >= wanted) return
    note(`${ready} of ${wanted} ready`)
    if (Date.now() > deadline) {
      throw new Failure(`the controllers are installed, but ${ready} of ${wanted} replicas are ready`, {
        next: `kubectl describe pods -n ${ref.namespace} -l app.kubernetes.io/name=${ref.name}`,
      })
    }
    await sleep(1_000)
  }
}
