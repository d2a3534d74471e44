import { type Client, describeObject } from '@kosmos/kube'
import { resourceOf } from './resource-of.ts'
import type { Manifest } from './resources.ts'

/** What runs containers by a template of pods. */
interface Workload extends Manifest {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

const isWorkload = ({ kind }: Manifest): boolean => kind === 'Deployment' || kind === 'DaemonSet'

/** A Deployment or DaemonSet whose containers have another image; anything else as it is. Pure. */
export function withImage(manifest: Manifest, image: string): Manifest {
  if (!isWorkload(manifest)) return manifest
  const { spec } = manifest as Workload
  const { template } = spec
  const containers = template.spec.containers.map((container) => ({ ...container, image }))
  return {
    ...manifest,
    spec: { ...spec, template: { ...template, spec: { ...template.spec, containers } } },
  } as Workload
}

/**
 * Manifests with the images that they shall run: the one that is asked for; else the one that runs now, where somebody has
 * chosen another registry or name than the manifest's, because nodes may not be able to pull that; else the manifest's.
 * @param tell gets a sentence for each image that stays
 */
export async function withImages(
  client: Client,
  manifests: readonly Manifest[],
  { asked, option }: { readonly asked: string | undefined; readonly option: string },
  tell: (text: string) => void,
): Promise<Manifest[]> {
  return await Promise.all(
    manifests.map(async (manifest) => {
      if (asked !== undefined) return withImage(manifest, asked)
      if (!isWorkload(manifest)) return manifest
      const { name = '', namespace } = manifest.metadata ?? {}
      const present = imageOf((await client.get(resourceOf(manifest), { name, namespace })) as Workload | undefined)
      if (present === undefined || repositoryOf(present) === repositoryOf(imageOf(manifest as Workload) ?? ''))
        return manifest
      tell(`${describeObject(manifest)} stays on image ${present}; ${option} changes it`)
      return withImage(manifest, present)
    }),
  )
}

const imageOf = (workload: Workload | undefined): string | undefined =>
  workload?.spec.template.spec.containers[0]?.image

/** `registry/name` of `registry:port/name:tag@digest`. Pure. */
export function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
}
