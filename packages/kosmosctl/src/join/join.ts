import { virtualNodeModels } from '@kosmos/api'
import { type OpenCluster, withClusters } from '../clusters/connect.ts'
import { leafAccountName } from '../clusters/names.ts'
import { applyTo } from '../clusters/own.ts'
import { installDefinitions } from '../install/definitions.ts'
import { installMcsDefinitions, markOfJoin } from '../install/mcs-definitions.ts'
import type { Progress } from '../terminal/progress.ts'
import { manifestsInLeaf } from './chosen-images.ts'
import { type Claim, claimName, releaseName, storeCredentials } from './claim.ts'
import { endpointOf, requestToken, selfContainedKubeconfig } from './credentials.ts'
import { grantAccess } from './grant.ts'
import { joinRoot } from './join-root.ts'
import { steps } from './left.ts'
import { type Found, look } from './look.ts'
import type { JoinOptions } from './options.ts'
import type { JoinResult } from './result.ts'
import { rootAddress } from './root-address.ts'
import { clusterManifest } from './root-manifests.ts'
import { verify } from './verify.ts'
import { waitUntilReady } from './wait-ready.ts'

const defaultTokenTtlSeconds = 30 * 24 * 3600

/**
 * Joins a leaf to the root. Can be run again at any time: it takes up where it stopped, and renews the credentials of a
 * leaf that is joined. Throws {@link JoinRefused} before anything is changed, Failure afterwards.
 */
export async function join(options: JoinOptions, progress: Progress): Promise<JoinResult> {
  return await withClusters({ root: options.root, leaf: options.leaf }, async ({ root, leaf }) => {
    const found = await look(options, root, leaf, progress)
    if (found.leafId === found.rootId) return await joinRoot(options, root, found, progress)
    const { leafId, leafModels, tree } = found
    const { name, timeoutSeconds = 120 } = options
    const claim = await progress.step(steps.claim(name), () => claimName(root.client, name, leafId))
    const { account, expires } = await store(options, { root, leaf }, found, claim, progress).catch(async (error) => {
      await releaseName(root.client, claim)
      throw error
    })
    const expected = virtualNodeModels(name, leafModels).map(({ name }) => name)
    const virtualNodes =
      timeoutSeconds === 0 || !tree
        ? []
        : await progress.step(steps.wait, (note) =>
            waitUntilReady(root.client, { cluster: name, virtualNodes: expected }, timeoutSeconds * 1000, note),
          )
    return {
      cluster: name,
      leaf: { server: options.server ?? leaf.server, id: leafId, account },
      credentialsExpire: expires,
      virtualNodes,
    }
  })
}

/** Makes the account in the leaf, and stores its credentials and the Cluster in the root. */
async function store(
  options: JoinOptions,
  { root, leaf }: Readonly<Record<'root' | 'leaf', OpenCluster>>,
  found: Found,
  claim: Claim,
  progress: Progress,
): Promise<{ readonly account: string; readonly expires: string }> {
  const { name, tokenTtlSeconds = defaultTokenTtlSeconds } = options
  const { rootId, leafId, isDefined, leafModels, tree, link } = found
  const account = leafAccountName(rootId)
  const rootAPIServer = await rootAddress(options.rootAPIServer, root, { name, isDefined })
  if (!isDefined) await progress.step(steps.kinds, () => installDefinitions(root.client))
  if (options.link) {
    await progress.step(steps.sharedKinds, () =>
      installMcsDefinitions(leaf.client, markOfJoin(rootId), (text) => progress.warn(text)),
    )
  }
  const { kubeconfig, expires } = await progress.step(steps.account, async () => {
    await grantAccess(leaf.client, await manifestsInLeaf(options, leaf.client, found, progress), rootId)
    const { token, expires } = await requestToken(leaf.client, account, tokenTtlSeconds)
    const endpoint = await endpointOf(leaf.config, options.server)
    return { kubeconfig: selfContainedKubeconfig(name, endpoint, token), expires }
  })
  await progress.step(steps.logIn, () => verify(kubeconfig, leafId, options.server, progress))
  await progress.step(steps.store(name), async () => {
    await storeCredentials(root.client, name, claim, kubeconfig)
    const choices = { rootAPIServer, leafModels, tree, link }
    await applyTo(root.client, clusterManifest(name, { id: leafId, account }, choices))
  })
  return { account, expires }
}
