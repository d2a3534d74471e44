import type { Client } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { leafAccountName } from '../clusters/names.ts'
import type { Manifest } from '../clusters/resources.ts'
import { definitions } from '../install/definitions.ts'
import { markOfInstall, markOfJoin, mcsDefinitions } from '../install/mcs-definitions.ts'
import type { Progress } from '../terminal/progress.ts'
import { agentsInRoot, manifestsInLeaf } from './chosen-images.ts'
import { endpointOf, selfContainedKubeconfig } from './credentials.ts'
import { type Found, look } from './look.ts'
import type { JoinOptions } from './options.ts'
import { rootAddress } from './root-address.ts'
import { clusterManifest, credentialsSecret, linkedRootManifest, rootNamespace } from './root-manifests.ts'

/** What join would create: nothing is changed. */
export interface JoinPlan {
  readonly leaf: readonly Manifest[]
  readonly root: readonly Manifest[]
}

/** The manifests that a join would apply, after the same checks. The token is left out. */
export async function planJoin(options: JoinOptions, progress: Progress): Promise<JoinPlan> {
  return await withClusters({ root: options.root, leaf: options.leaf }, async ({ root, leaf }) => {
    const found = await look(options, root, leaf, progress)
    if (found.leafId === found.rootId) return await planRoot(options, root.client, found, progress)
    const { rootId, leafId, isDefined, leafModels, tree, link } = found
    const { name } = options
    const endpoint = await endpointOf(leaf.config, options.server)
    const kubeconfig = selfContainedKubeconfig(name, endpoint, '<token of the account in the leaf>')
    const rootAPIServer = await rootAddress(options.rootAPIServer, root, { name, isDefined })
    const { data: _, ...secret } = credentialsSecret(name, kubeconfig)
    const account = leafAccountName(rootId)
    return {
      leaf: [
        ...(options.link ? await mcsDefinitions(markOfJoin(rootId)) : []),
        ...(await manifestsInLeaf(options, leaf.client, found, progress)),
      ],
      root: [
        ...(isDefined ? [] : definitions()),
        rootNamespace(),
        { ...secret, stringData: { kubeconfig } } as Manifest,
        clusterManifest(name, { id: leafId, account }, { rootAPIServer, leafModels, tree, link }),
      ],
    }
  })
}

/** The same for the root itself, as a member of the network. */
async function planRoot(
  options: JoinOptions,
  root: Client,
  { rootId, isDefined, link }: Found,
  progress: Progress,
): Promise<JoinPlan> {
  return {
    leaf: [],
    root: [
      ...(isDefined ? [] : definitions()),
      ...(await mcsDefinitions(markOfInstall)),
      linkedRootManifest(options.name, rootId, link),
      ...(await agentsInRoot(options, root, rootId, progress)),
    ],
  }
}
