import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Client, nodes as nodeResource, unwrap } from '@kosmos/kube'
import { installAddons } from '../../addons/install.ts'
import { cacheRoot } from '../../binaries/cache.ts'
import { asAdmin } from '../../control-plane/admin.ts'
import type { ClusterRecord } from '../../control-plane/control-plane.ts'
import { ensureImages, type ImageBinaries } from '../../images/build.ts'
import { type ImageName, imageNames } from '../../images/catalog.ts'
import { openAuthority } from '../../pki/authority.ts'
import type { Journal } from '../../processes/journal.ts'
import type { DebianProgram } from '../../versions.ts'
import { allReady } from '../ready.ts'
import { createCgroups } from './cgroups.ts'
import { nodeBinaries, startNode } from './node.ts'
import { type NodePlan, planNodes } from './plan.ts'
import type { Underlay } from './underlay.ts'

const run = promisify(execFile)

/** Binaries that have to be there for real nodes and what runs on them from the start. */
export const realNodeBinaries = [...nodeBinaries, 'pause', 'coredns'] as const

/** Programs of the distribution that have to be there as well. */
export function realNodePrograms(images: readonly ImageName[]): DebianProgram[] {
  const programs: DebianProgram[] = ['runc', 'cni-bridge', 'nft', 'iptables', 'conntrack', 'busybox', 'ip']
  return images.includes('agnhost') ? [...programs, 'curl', 'dig', 'nc'] : programs
}

export interface RealNodesInput {
  readonly journal: Journal
  readonly cluster: ClusterRecord
  /** Made by `prepareUnderlay` before the cluster was, so that its API server listens there. */
  readonly underlay: Underlay
  readonly count: number
  /** Paths by name; what only some images need may be absent. */
  readonly bin: Readonly<Record<(typeof realNodeBinaries)[number], string>> & ImageBinaries
  /** Images on every node besides pause and coredns; default busybox. */
  readonly images?: readonly ImageName[]
}

/**
 * Adds nodes to a cluster, side by side, each with containerd, kubelet and kube-proxy in namespaces of its own, and
 * cluster DNS. Needs root. Everything ends with its processes; what is left in the file system is in the journal.
 * @returns their names, once all are Ready and DNS answers
 * @throws ComponentFailed when a process does not come up
 */
export async function startRealNodes(input: RealNodesInput): Promise<string[]> {
  const { journal, cluster, underlay, count, bin, images = ['busybox'] } = input
  const addresses = Array.from({ length: count }, () => underlay.nextAddress())
  const plans = planNodes(journal.dir, cluster, addresses)
  const archives = await ensureImages(['pause', 'coredns', ...images], bin, path.join(cacheRoot(), 'images'))
  const authority = await openAuthority({
    certificate: cluster.ca,
    key: readFileSync(path.join(cluster.dir, 'pki', 'ca.key'), 'utf8'),
  })
  createCgroups(journal, plans)
  const names = plans.map((node) => node.name)
  await asAdmin(cluster, async (client) => {
    const registered = register(client, plans)
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
    await routeToPods(plans, underlay)
    await installAddons(client, { coreDns: imageNames.coredns, dnsAddress: cluster.network.dnsAddress })
    await allReady(client, names)
  })
  return names
}

/** Creates the Node objects before their kubelets do, so that they carry the pod range that the nodes route. */
async function register(client: Client, plans: readonly NodePlan[]): Promise<void> {
  for (const { name, podCidr } of plans) {
    const node = { metadata: { name }, spec: { podCIDR: podCidr, podCIDRs: [podCidr] } }
    unwrap(await client.create(nodeResource, node))
  }
}

/** Lets the host, and so the API servers with their webhooks, reach pods; another test bed may hold the same range. */
async function routeToPods(plans: readonly NodePlan[], underlay: Underlay): Promise<void> {
  for (const { podCidr, address } of plans) {
    await run('ip', ['route', 'add', podCidr, 'via', address, 'dev', underlay.bridge]).catch(() => undefined)
  }
}
