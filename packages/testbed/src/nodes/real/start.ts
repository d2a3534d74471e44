import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Client, nodes as nodeResource, unwrap } from '@kosmos/kube'
import { installFlannel } from '../../addons/flannel.ts'
import { installAddons } from '../../addons/install.ts'
import { asAdmin } from '../../control-plane/admin.ts'
import type { ClusterRecord } from '../../control-plane/control-plane.ts'
import { ensureImages, type ImageBinaries, imagesDir } from '../../images/build.ts'
import { type ImageName, imageNames } from '../../images/catalog.ts'
import { openAuthority } from '../../pki/authority.ts'
import type { Journal } from '../../processes/journal.ts'
import type { DebianProgram } from '../../versions.ts'
import { allReady } from '../ready.ts'
import { createCgroups } from './cgroups.ts'
import { type Cni, isFlannel } from './network/cni.ts'
import { type FlannelBinaries, netConf } from './network/flannel.ts'
import { claimPodRange } from './network/pod-route.ts'
import type { Underlay } from './network/underlay.ts'
import { nodeBinaries, startNode } from './node.ts'
import { type NodePlan, planNode } from './plan.ts'

/** Binaries that have to be there for real nodes and what runs on them from the start. */
export const realNodeBinaries = [...nodeBinaries, 'pause', 'coredns'] as const

/** Programs of the distribution that have to be there as well. */
export function realNodePrograms(images: readonly ImageName[]): DebianProgram[] {
  const programs: DebianProgram[] = ['runc', 'cni-bridge', 'nft', 'iptables', 'conntrack', 'busybox', 'ip', 'losetup']
  return images.includes('agnhost') ? [...programs, 'curl', 'dig', 'nc'] : programs
}

export interface RealNodesInput {
  readonly journal: Journal
  readonly cluster: ClusterRecord
  /** Made by `prepareUnderlay` before the cluster was, so that its API server listens there. */
  readonly underlay: Underlay
  readonly count: number
  /** Paths by name; what only some images need may be absent. */
  readonly bin: Readonly<Record<(typeof realNodeBinaries)[number], string>> & ImageBinaries & FlannelBinaries
  readonly cni: Cni
  /** Images on every node besides pause and coredns; default busybox. */
  readonly images?: readonly ImageName[]
  /** Files with further images for every node. */
  readonly archives?: readonly string[]
}

/**
 * Adds nodes to a cluster, side by side, each with containerd, kubelet and kube-proxy in namespaces of its own, and
 * cluster DNS. Needs root. Everything ends with its processes; what is left in the file system is in the journal.
 * @returns their names, once all are Ready and DNS answers
 * @throws ComponentFailed when a process does not come up
 */
export async function startRealNodes(input: RealNodesInput): Promise<string[]> {
  const { journal, cluster, underlay, bin, images = ['busybox'] } = input
  const plans = await planNodes(input)
  const own = await ensureImages(['pause', 'coredns', ...images], bin, imagesDir())
  const archives = [...own, ...(input.archives ?? [])]
  const authority = await openAuthority({
    certificate: cluster.ca,
    key: readFileSync(path.join(cluster.dir, 'pki', 'ca.key'), 'utf8'),
  })
  // Before the cgroups, so undone after them: devices of containers that run are in use.
  for (const { dir } of plans) journal.add({ kind: 'loop-devices', path: dir })
  createCgroups(journal, plans)
  const names = plans.map((node) => node.name)
  await asAdmin(cluster, async (client) => {
    const registered = Promise.all([register(client, plans), installNetwork(client, input)])
    await Promise.all(
      plans.map((node) =>
        startNode({
          journal,
          cluster: { ...cluster, authority },
          underlay,
          bin,
          pauseImage: imageNames.pause,
          images: archives,
          node,
          peers: plans.filter((peer) => peer !== node),
          registered,
        }),
      ),
    )
    await installAddons(client, { coreDns: imageNames.coredns, dnsAddress: cluster.network.dnsAddress })
    await allReady(client, names)
  })
  return names
}

async function planNodes({ journal, cluster, underlay, count, cni }: RealNodesInput): Promise<NodePlan[]> {
  const plans: NodePlan[] = []
  for (let n = 1; n <= count; n++) {
    const address = underlay.nextAddress()
    const podCidr = await claimPodRange({
      clusterCidr: cluster.network.podCIDR,
      via: address,
      link: underlay.bridge,
      start: underlay.number,
    })
    plans.push(planNode(journal.dir, cluster.name, n, { address, podCidr, cni }))
  }
  return plans
}

/** What a network plug-in has in its cluster. */
async function installNetwork(client: Client, { cni, bin, cluster }: RealNodesInput): Promise<void> {
  const manifest = bin['kube-flannel.yml']
  if (isFlannel(cni) && manifest) await installFlannel(client, manifest, netConf(cni, cluster.network.podCIDR))
}

/** Creates the Node objects before their kubelets do, so that they carry the pod range that the nodes route. */
async function register(client: Client, plans: readonly NodePlan[]): Promise<void> {
  for (const { name, podCidr } of plans) {
    const node = { metadata: { name }, spec: { podCIDR: podCidr, podCIDRs: [podCidr] } }
    unwrap(await client.create(nodeResource, node))
  }
}
