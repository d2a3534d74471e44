import type { OpenCluster } from '../clusters/connect.ts'
import { installDefinitions } from '../install/definitions.ts'
import { installMcsDefinitions, markOfInstall } from '../install/mcs-definitions.ts'
import type { Progress } from '../terminal/progress.ts'
import { agentsInRoot } from './chosen-images.ts'
import { rootSteps } from './left.ts'
import { linkRoot } from './linked-root.ts'
import type { Found } from './look.ts'
import type { JoinOptions } from './options.ts'
import type { JoinResult } from './result.ts'
import { linkedRootManifest } from './root-manifests.ts'

/** Makes the root itself a member of the network of ClusterLink. */
export async function joinRoot(
  options: JoinOptions,
  { client, server }: OpenCluster,
  { rootId, isDefined, link }: Found,
  progress: Progress,
): Promise<JoinResult> {
  const { name } = options
  if (!isDefined) await progress.step(rootSteps.kinds, () => installDefinitions(client))
  await progress.step(rootSteps.sharedKinds, () =>
    installMcsDefinitions(client, markOfInstall, (text) => progress.warn(text)),
  )
  await progress.step(rootSteps.store(name), async () => {
    const agents = await agentsInRoot(options, client, rootId, progress)
    await linkRoot(client, linkedRootManifest(name, rootId, link), agents, rootId)
  })
  return { cluster: name, leaf: { server, id: rootId }, virtualNodes: [] }
}
