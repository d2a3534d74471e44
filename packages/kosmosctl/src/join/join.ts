import { virtualNodeModels } from '@kosmos/api'
import { type Client, ClusterUnreachable, type KubeConfigSource } from '@kosmos/kube'
import { type OpenCluster, withClusters } from '../clusters/connect.ts'
import { withImages } from '../clusters/images.ts'
import { leafAccountName } from '../clusters/names.ts'
import { applyTo } from '../clusters/own.ts'
import type { Manifest } from '../clusters/resources.ts'
import { type Finding, isProblem, judge } from '../findings/finding.ts'
import { definitions, installDefinitions } from '../install/definitions.ts'
import { installMcsDefinitions, markOfInstall, markOfJoin, mcsDefinitions } from '../install/mcs-definitions.ts'
import { counted } from '../output/counted.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { Progress } from '../terminal/progress.ts'
import { chosenLink, chosenTree, knownCluster } from './chosen.ts'
import { type Claim, claimName, releaseName, storeCredentials } from './claim.ts'
import { endpointOf, requestToken, selfContainedKubeconfig } from './credentials.ts'
import { gatherFacts, type JoinFacts } from './facts.ts'
import { grantAccess } from './grant.ts'
import { leafManifestsFor } from './leaf-manifests.ts'
import type { ModelChoice } from './leaf-models.ts'
import { steps } from './left.ts'
import { linkedRootManifests, linkRoot } from './linked-root.ts'
import { joinChecks } from './preflight.ts'
import { rootAddress } from './root-address.ts'
import {
  clusterManifest,
  credentialsSecret,
  type LinkChoices,
  linkedRootManifest,
  rootNamespace,
} from './root-manifests.ts'
import { logIn } from './verify.ts'
import { chosenModels } from './virtual-node-checks.ts'
import { waitUntilReady } from './wait-ready.ts'

export interface JoinOptions {
  /** Name of the Cluster in the root. */
  readonly name: string
  readonly root: KubeConfigSource
  readonly leaf: KubeConfigSource
  /** Address at which the controllers reach the leaf, if it is not the one in the kubeconfig. */
  readonly server?: string | undefined
  /** `https://host:port` at which pods of the leaf reach the root's API server, or `none`. Default: as in the root's kubeconfig. */
  readonly rootAPIServer?: string | undefined
  /** What the leaf is in the root. Default: what the Cluster says already, else one virtual node. */
  readonly model?: ModelChoice | undefined
  /** Whether the leaf becomes virtual nodes. Default: what the Cluster says already, else true. */
  readonly tree?: boolean | undefined
  /** Connects the pods and Services of the leaf with those of other clusters. Undefined: nothing is said of it. */
  readonly link?: LinkChoices | undefined
  /** Image of the agents of ClusterLink. Default: what they have if it was chosen before, else that of this version. */
  readonly agentImage?: string | undefined
  /** Life of the leaf credentials, in seconds; the leaf may shorten it. Default: 30 days. */
  readonly tokenTtlSeconds?: number
  /** How long to wait for the virtual node, in seconds; 0: not at all. Default: 120. */
  readonly timeoutSeconds?: number
  /** Installs the kinds of kosmos.io in the root where they are missing. Default: true. */
  readonly installCrds?: boolean
}

export interface JoinResult {
  readonly cluster: string
  /** Without an account: it is the root itself. */
  readonly leaf: { readonly server: string; readonly id: string; readonly account?: string }
  /** RFC 3339: when the credentials end unless they are renewed before. Undefined: the root needs none for itself. */
  readonly credentialsExpire?: string
  /** The virtual nodes, all Ready; empty if they were not waited for. */
  readonly virtualNodes: readonly string[]
}

/** What join would create: nothing is changed. */
export interface JoinPlan {
  readonly leaf: readonly Manifest[]
  readonly root: readonly Manifest[]
}

/** The leaf cannot be joined as it is; has all reasons. */
export class JoinRefused extends Failure {
  readonly findings: readonly Finding[]

  constructor(name: string, findings: readonly Finding[]) {
    const count = findings.filter(isProblem).length
    super(`"${name}" was not joined, nothing was changed: ${counted(count, 'problem')}`)
    this.findings = findings
  }
}

const defaultTokenTtlSeconds = 30 * 24 * 3600

/**
 * Joins a leaf to the root. Can be run again at any time: it takes up where it stopped, and renews the credentials of a
 * leaf that is joined. Throws {@link JoinRefused} before anything is changed, Failure afterwards.
 */
export async function join(options: JoinOptions, progress: Progress): Promise<JoinResult> {
  return await withClusters({ root: options.root, leaf: options.leaf }, async ({ root, leaf }) => {
    const found = await preflight(options, root, leaf, progress)
    if (found.leafId === found.rootId) return await joinRoot(options, root, found, progress)
    const { leafId, leafModels, tree } = found
    const { name, timeoutSeconds = 120 } = options
    const claim = await progress.step(`claiming the name "${name}" in the root`, () =>
      claimName(root.client, name, leafId),
    )
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

/** Makes the root itself a member of the network of ClusterLink. */
async function joinRoot(
  options: JoinOptions,
  { client, server }: OpenCluster,
  { rootId, definition, link }: Found,
  progress: Progress,
): Promise<JoinResult> {
  const { name } = options
  if (definition === 'missing') {
    await progress.step('installing the kinds of kosmos.io in the root', () => installDefinitions(client))
  }
  await progress.step('installing ServiceExport and ServiceImport in the root where they are missing', () =>
    installMcsDefinitions(client, markOfInstall, (text) => progress.warn(text)),
  )
  await progress.step(`storing Cluster "${name}" and its agents in the root`, async () => {
    const agents = await agentsInRoot(options, client, rootId, progress)
    await linkRoot(client, linkedRootManifest(name, rootId, link), agents, rootId)
  })
  return { cluster: name, leaf: { server, id: rootId }, virtualNodes: [] }
}

/** Makes the account in the leaf, and stores its credentials and the Cluster in the root. */
async function store(
  options: JoinOptions,
  { root, leaf }: Readonly<Record<'root' | 'leaf', OpenCluster>>,
  { rootId, leafId, definition, leafModels, tree, link }: Found,
  claim: Claim,
  progress: Progress,
): Promise<{ readonly account: string; readonly expires: string }> {
  const { name, tokenTtlSeconds = defaultTokenTtlSeconds } = options
  const account = leafAccountName(rootId)
  const isDefined = definition !== 'missing'
  const rootAPIServer = await rootAddress(options.rootAPIServer, root, { name, isDefined })
  if (!isDefined) {
    await progress.step('installing the kinds of kosmos.io in the root', () => installDefinitions(root.client))
  }
  if (options.link) {
    await progress.step('installing ServiceExport and ServiceImport in the leaf where they are missing', () =>
      installMcsDefinitions(leaf.client, markOfJoin(rootId), (text) => progress.warn(text)),
    )
  }
  const { kubeconfig, expires } = await progress.step('creating an account for the root in the leaf', async () => {
    await grantAccess(leaf.client, await manifestsInLeaf({ ...options, tree }, leaf.client, rootId, progress), rootId)
    const { token, expires } = await requestToken(leaf.client, account, tokenTtlSeconds)
    const endpoint = await endpointOf(leaf.config, options.server)
    return { kubeconfig: selfContainedKubeconfig(name, endpoint, token), expires }
  })
  await progress.step('logging in to the leaf with it', () => verify(kubeconfig, leafId, options, progress))
  await progress.step(`storing Cluster "${name}" in the root`, async () => {
    await storeCredentials(root.client, name, claim, kubeconfig)
    const choices = { rootAPIServer, leafModels, tree, link }
    await applyTo(root.client, clusterManifest(name, { id: leafId, account }, choices))
  })
  return { account, expires }
}

/** The manifests that {@link join} would apply, after the same checks. The token is left out. */
export async function planJoin(options: JoinOptions, progress: Progress): Promise<JoinPlan> {
  return await withClusters({ root: options.root, leaf: options.leaf }, async ({ root, leaf }) => {
    const found = await preflight(options, root, leaf, progress)
    if (found.leafId === found.rootId) return await planRoot(options, root.client, found, progress)
    const { rootId, leafId, definition, leafModels, tree, link } = found
    const kubeconfig = selfContainedKubeconfig(
      options.name,
      await endpointOf(leaf.config, options.server),
      '<token of the account in the leaf>',
    )
    const isDefined = definition !== 'missing'
    const rootAPIServer = await rootAddress(options.rootAPIServer, root, { name: options.name, isDefined })
    const { data: _, ...secret } = credentialsSecret(options.name, kubeconfig)
    return {
      leaf: [
        ...(options.link ? await mcsDefinitions(markOfJoin(rootId)) : []),
        ...(await manifestsInLeaf({ ...options, tree }, leaf.client, rootId, progress)),
      ],
      root: [
        ...(definition === 'missing' ? definitions() : []),
        rootNamespace(),
        { ...secret, stringData: { kubeconfig } } as Manifest,
        clusterManifest(
          options.name,
          { id: leafId, account: leafAccountName(rootId) },
          { rootAPIServer, leafModels, tree, link },
        ),
      ],
    }
  })
}

async function planRoot(
  options: JoinOptions,
  root: Client,
  { rootId, definition, link }: Found,
  progress: Progress,
): Promise<JoinPlan> {
  return {
    leaf: [],
    root: [
      ...(definition === 'missing' ? definitions() : []),
      ...(await mcsDefinitions(markOfInstall)),
      linkedRootManifest(options.name, rootId, link),
      ...(await agentsInRoot(options, root, rootId, progress)),
    ],
  }
}

async function agentsInRoot(
  { name, agentImage }: JoinOptions,
  root: Client,
  rootId: string,
  progress: Progress,
): Promise<Manifest[]> {
  const image = { asked: agentImage, option: '--agent-image' }
  return await withImages(root, await linkedRootManifests(name, rootId), image, (text) => progress.warn(text))
}

async function manifestsInLeaf(
  { name, tree, link, agentImage }: JoinOptions & { readonly tree: boolean },
  leaf: Client,
  rootId: string,
  progress: Progress,
): Promise<Manifest[]> {
  const manifests = await leafManifestsFor(name, rootId, { tree, link: link !== undefined })
  const image = { asked: agentImage, option: '--agent-image' }
  return await withImages(leaf, manifests, image, (text) => progress.warn(text))
}

type Found = Awaited<ReturnType<typeof preflight>>

async function preflight(options: JoinOptions, root: OpenCluster, leaf: OpenCluster, progress: Progress) {
  const { name, server, model, installCrds = true, link, tree } = options
  const facts: JoinFacts = await progress.step(steps.look, () =>
    gatherFacts(root, leaf, { name, installCrds, serverOverride: server, model, tree, link: link !== undefined }),
  )
  const findings = judge(joinChecks, facts)
  const found = { root: facts.root.found, leaf: facts.leaf.found }
  if (findings.some(isProblem) || 'error' in found.root || 'error' in found.leaf) throw new JoinRefused(name, findings)
  for (const { verdict } of findings) {
    if (verdict.status === 'warning') progress.warn(`${verdict.what}; ${verdict.fix}`)
  }
  return {
    rootId: found.root.id,
    leafId: found.leaf.id,
    definition: found.root.definition,
    leafModels: chosenModels(facts),
    tree: chosenTree(knownCluster(facts), options.tree),
    link: chosenLink(knownCluster(facts), link),
  }
}

async function verify(kubeconfig: string, leafId: string, options: JoinOptions, progress: Progress): Promise<void> {
  try {
    const id = await logIn(kubeconfig)
    if (id === leafId) return
  } catch (error) {
    // The address is meant for the controllers: that it does not answer here says little.
    if (options.server !== undefined && error instanceof ClusterUnreachable) {
      progress.warn(`the leaf was not reached at ${options.server} from this machine: ${explain(error).message}`)
      return
    }
    throw error
  }
  throw new Failure(`another cluster than the leaf answers at ${options.server}`, { next: 'correct --server' })
}
