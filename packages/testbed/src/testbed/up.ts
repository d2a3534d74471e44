import { existsSync } from 'node:fs'
import { ensurePrograms } from '../binaries/debian.ts'
import { type Binaries, ensureBinaries } from '../binaries/ensure.ts'
import { ports } from '../control-plane/address.ts'
import { binaryOf, componentNames, type Flags } from '../control-plane/components.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { kubernetesOf } from '../control-plane/kubernetes.ts'
import { startCluster } from '../control-plane/start.ts'
import { type ImageName, imageBinaries } from '../images/catalog.ts'
import { startKwokNodes } from '../nodes/kwok.ts'
import { type Cni, isFlannel } from '../nodes/real/network/cni.ts'
import { flannelBinaries } from '../nodes/real/network/flannel.ts'
import { prepareUnderlay, type Underlay } from '../nodes/real/network/underlay.ts'
import { realNodeBinaries, realNodePrograms, startRealNodes } from '../nodes/real/start.ts'
import { guard } from '../processes/guard.ts'
import { isAlive } from '../processes/identity.ts'
import { Journal } from '../processes/journal.ts'
import { withLock } from '../processes/lock.ts'
import { tearDown } from '../processes/teardown.ts'
import { type Progress, silent } from '../progress.ts'
import { testbedDir } from './places.ts'
import { checkName, hasRealNodes, type NodeCounts, parseNodes, type TestbedPlan } from './plan.ts'
import { type Testbed, type TestbedRecord, testbedOf } from './testbed.ts'

export interface UpOptions {
  /** Default `kosmos`. */
  readonly name?: string
  /** Default 2. */
  readonly leaves?: number
  /** Nodes of each leaf, e.g. `kwok:10` (the default) or `real:1`. */
  readonly nodes?: string
  /** Ordinary nodes of the root; default none. */
  readonly rootNodes?: string
  /** Images that real nodes have from the start, besides pause and CoreDNS; default busybox. */
  readonly images?: readonly ImageName[]
  /** Files with further images for them, OCI layouts as tar. */
  readonly archives?: readonly string[]
  /** It is taken down when this process ends, however that happens; default: it outlives this process. */
  readonly endsWithProcess?: boolean
  /** Network plug-in of the real nodes of each cluster; default `ptp`. */
  readonly cni?: (cluster: string) => Cni
  /** Flags of the root's API server beside its own, by the address at which nodes and pods reach it; with real nodes only. */
  readonly rootFlags?: (server: string) => Flags
  readonly progress?: Progress
}

/** There is a test bed of that name already, and it runs. */
export class TestbedExists extends Error {
  constructor(name: string) {
    super(
      `test bed ${name} is up already: take it down first (npm run testbed -- down --name ${name}), or choose another name`,
    )
    this.name = 'TestbedExists'
  }
}

function planOf({
  name = 'kosmos',
  leaves = 2,
  nodes = 'kwok:10',
  rootNodes = 'none',
  images,
  archives,
  cni = () => 'ptp',
  rootFlags = () => ({}),
}: UpOptions): TestbedPlan {
  if (!Number.isInteger(leaves) || leaves < 0 || leaves > 63)
    throw new TypeError(`${leaves} leaves: write a number from 0 to 63`)
  return {
    name: checkName(name),
    leaves,
    nodes: parseNodes(nodes),
    rootNodes: parseNodes(rootNodes),
    images: images ?? ['busybox'],
    archives: archives ?? [],
    cni,
    rootFlags,
    kubernetes: kubernetesOf(process.env),
  }
}

/**
 * Starts a root and its leaves, with nothing of ours in them. {@link downTestbed} ends them.
 * What a crashed earlier attempt under this name left behind is cleaned up first.
 * @throws TestbedExists, BinaryMissing, PortTaken, ComponentFailed; whatever was started is taken down before
 */
export async function upTestbed(options: UpOptions = {}): Promise<Testbed> {
  const plan = planOf(options)
  const progress = options.progress ?? silent
  const dir = testbedDir(plan.name)
  return withLock(dir, progress, async () => {
    await removeLeftovers(plan.name, dir, progress)
    if (hasRealNodes(plan) && process.getuid?.() !== 0)
      throw new Error('real nodes need root: run it with sudo, or take simulated ones (--nodes kwok:COUNT)')
    const programs = await ensurePrograms(hasRealNodes(plan) ? realNodePrograms(plan.images) : [], progress)
    const bin = { ...(await ensureBinaries(binariesOf(plan), progress)), ...programs }
    const journal = new Journal(dir)
    // Called off by nobody: once the test bed is down, the guard finds nothing to do.
    if (options.endsWithProcess) guard(dir)
    try {
      return await start(journal, plan, bin, progress)
    } catch (error) {
      await tearDown(journal)
      throw error
    }
  })
}

async function removeLeftovers(name: string, dir: string, progress: Progress): Promise<void> {
  if (!existsSync(dir)) return
  const journal = new Journal(dir)
  if (journal.description() && journal.processes().some(isAlive)) throw new TestbedExists(name)
  progress.step(`cleaning up what an earlier test bed ${name} left behind`)
  await tearDown(journal)
}

function binariesOf(plan: TestbedPlan): string[] {
  const kwok = plan.nodes.kwok > 0 || plan.rootNodes.kwok > 0 ? ['kwok', 'stage-fast.yaml'] : []
  const images = new Set(plan.images.flatMap((image) => imageBinaries[image] ?? []))
  const flannel = clusterNames(plan).some((name) => isFlannel(plan.cni(name))) ? flannelBinaries : []
  const real = hasRealNodes(plan) ? [...realNodeBinaries, ...images, ...flannel] : []
  const { root, leaves } = plan.kubernetes
  const controlPlanes = new Set(
    [root, leaves].flatMap((version) => componentNames.map((one) => binaryOf(one, version))),
  )
  return [...controlPlanes, 'kubectl', ...kwok, ...real]
}

const clusterNames = ({ leaves }: TestbedPlan): string[] => [
  'root',
  ...Array.from({ length: leaves }, (_, i) => `leaf${i + 1}`),
]

async function start(journal: Journal, plan: TestbedPlan, bin: Binaries, progress: Progress): Promise<Testbed> {
  const names = clusterNames(plan)
  progress.step(`starting ${names.length} control planes: ${names.join(', ')}`)
  const underlay = hasRealNodes(plan) ? await prepareUnderlay({ journal, dir: journal.dir }) : undefined
  const clusters = await allSettledOrThrow(
    names.map(async (name, index) => {
      // Every API server, the root's too, listens where nodes and pods reach it.
      const listen = underlay && { address: underlay.address, port: ports.apiserver + index }
      const apiServerFlags = index === 0 && listen ? plan.rootFlags(`https://${listen.address}:${listen.port}`) : {}
      const kubernetes = index === 0 ? plan.kubernetes.root : plan.kubernetes.leaves
      const cluster = await startCluster(
        journal,
        { name, index, components: componentNames, apiServerFlags, kubernetes, ...(listen && { listen }) },
        progress,
      )
      const counts = index === 0 ? plan.rootNodes : plan.nodes
      const nodes = await startNodes({ journal, cluster, counts, bin, underlay, plan })
      progress.step(
        `${name} is ready at ${cluster.server}${nodes.length > 0 ? ` with ${nodes.length} node${nodes.length === 1 ? '' : 's'}` : ''}`,
      )
      return { ...cluster, nodes }
    }),
  )
  const [root, ...leaves] = clusters
  if (!root) throw new Error('a test bed has a root')
  const record: TestbedRecord = { name: plan.name, root, leaves, bin }
  journal.describe({ ...record })
  return testbedOf(journal, record)
}

interface NodesInput {
  readonly journal: Journal
  readonly cluster: ControlPlane
  readonly counts: NodeCounts
  readonly bin: Binaries
  /** There is one when the test bed has real nodes. */
  readonly underlay: Underlay | undefined
  readonly plan: TestbedPlan
}

async function startNodes({ counts, underlay, ...input }: NodesInput): Promise<string[]> {
  const { journal, cluster } = input
  const { images, archives } = input.plan
  const cni = input.plan.cni(cluster.name)
  const bin = input.bin as Binaries<'kwok' | 'stage-fast.yaml' | 'busybox' | (typeof realNodeBinaries)[number]>
  const kwok = counts.kwok > 0 ? await startKwokNodes({ journal, cluster, count: counts.kwok, bin }) : []
  const real =
    counts.real > 0 && underlay
      ? await startRealNodes({ journal, cluster, underlay, count: counts.real, bin, images, archives, cni })
      : []
  return [...kwok, ...real]
}

/** Like Promise.all, but nothing is still being started when it throws. */
async function allSettledOrThrow<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
