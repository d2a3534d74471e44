import { readFile } from 'node:fs/promises'
import type { KubeObject } from '@kosmos/kube'
import { ensureBinaries, type ForeignImage } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'

/** What is tried, by the names of the test files: the images that it needs. */
export const software = {
  'cloudnative-pg': ['cloudnative-pg', 'postgresql'],
  'prometheus-operator': ['prometheus-operator', 'prometheus-config-reloader', 'prometheus'],
  skipper: ['skipper'],
  // Not in an image: the nodes have it.
  flannel: [],
  // Installs Kosmos, instead of running in a leaf.
  helm: [],
  // A chart of a user, by the same program.
  'helm-release': [],
  'cert-manager': ['cert-manager-controller', 'cert-manager-webhook', 'cert-manager-cainjector'],
} as const satisfies Record<string, readonly ForeignImage[]>

export type Software = keyof typeof software

/** The manifests of a release, from its Go module, as the project has published them. */
export async function manifestsOf(
  name: Exclude<Software, 'skipper' | 'cert-manager' | 'flannel' | 'helm' | 'helm-release'>,
): Promise<KubeObject[]> {
  const file = `${name}.yaml`
  const { [file]: manifests = '' } = await ensureBinaries([file])
  const objects = loadAll(await readFile(manifests, 'utf8')).filter(Boolean) as KubeObject[]
  return objects.map(fromNode)
}

/** No registry can be reached here, so that images which the node has must do. */
function fromNode(manifest: KubeObject): KubeObject {
  return JSON.parse(
    JSON.stringify(manifest).replaceAll('"imagePullPolicy":"Always"', '"imagePullPolicy":"IfNotPresent"'),
  )
}
