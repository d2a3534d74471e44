import { type Client, describeObject, type KubeObject } from '@kosmos/kube'
import { isOwn } from '../clusters/own.ts'
import { resourceOf } from '../clusters/resource-of.ts'
import type { Manifest } from '../clusters/resources.ts'
import { linkedRootManifests } from '../join/linked-root.ts'
import { mustBeGone } from './must-be-gone.ts'

interface Present {
  readonly manifest: Manifest
  readonly object: KubeObject
}

/** The agents of a root that is linked itself, and their rights, in the order in which they go. */
async function agentsOf(root: Client, cluster: string, rootId: string): Promise<Present[]> {
  const manifests = await linkedRootManifests(cluster, rootId)
  const found = await Promise.all(
    manifests.map(async (manifest) => {
      const { name = '', namespace } = manifest.metadata ?? {}
      const object = await root.get(resourceOf(manifest), { name, namespace })
      return object !== undefined && isOwn(object, rootId) ? [{ manifest, object }] : []
    }),
  )
  return found.flat().reverse()
}

/** What {@link leaveRoot} would remove. */
export async function lookAtRoot(root: Client, cluster: string, rootId: string): Promise<string[]> {
  return (await agentsOf(root, cluster, rootId)).map(({ manifest }) => describeObject(manifest))
}

/** Removes the agents and their rights. Their Cluster owns them: without this the garbage collector does it, in its own time. */
export async function leaveRoot(root: Client, cluster: string, rootId: string): Promise<void> {
  for (const { manifest, object } of await agentsOf(root, cluster, rootId)) {
    const { name = '', namespace, uid = '' } = object.metadata ?? {}
    const outcome = await root.delete(
      resourceOf(manifest),
      { name, namespace },
      { uid, propagationPolicy: 'Background' },
    )
    mustBeGone(
      outcome,
      `root: ${describeObject(manifest)}`,
      'the garbage collector of the root removes it, since its Cluster is gone; or use credentials that may delete it',
    )
  }
}
