import type { Client } from '@kosmos/kube'
import { withImages } from '../clusters/images.ts'
import type { Manifest } from '../clusters/resources.ts'
import type { Progress } from '../terminal/progress.ts'
import { leafManifestsFor } from './leaf-manifests.ts'
import { linkedRootManifests } from './linked-root.ts'
import type { Found } from './look.ts'
import type { JoinOptions } from './options.ts'

/** What join makes in the leaf, its agents with the image that was chosen now or before. */
export async function manifestsInLeaf(
  { name, link, agentImage }: JoinOptions,
  leaf: Client,
  { rootId, tree }: Found,
  progress: Progress,
): Promise<Manifest[]> {
  const manifests = await leafManifestsFor(name, rootId, { tree, link: link !== undefined })
  return await withAgentImage(leaf, manifests, agentImage, progress)
}

/** The agents in a root that is linked itself, likewise. */
export async function agentsInRoot(
  { name, agentImage }: JoinOptions,
  root: Client,
  rootId: string,
  progress: Progress,
): Promise<Manifest[]> {
  return await withAgentImage(root, await linkedRootManifests(name, rootId), agentImage, progress)
}

async function withAgentImage(
  client: Client,
  manifests: readonly Manifest[],
  asked: string | undefined,
  progress: Progress,
): Promise<Manifest[]> {
  return await withImages(client, manifests, { asked, option: '--agent-image' }, (text) => progress.warn(text))
}
