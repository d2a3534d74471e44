import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type KubeObject, resource, unwrap } from '@kosmos/kube'
import { cacheRoot } from '../binaries/cache.ts'
import { ensurePrograms } from '../binaries/debian.ts'
import { ensureBinaries } from '../binaries/ensure.ts'
import { asAdmin } from '../control-plane/admin.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { ensureImages } from '../images/build.ts'
import { csiHostPathBinaries, imageNames } from '../images/catalog.ts'
import { loadImages } from '../images/load.ts'
import { enterNode } from '../nodes/real/enter.ts'
import { markOf } from '../processes/identity.ts'
import type { Journal } from '../processes/journal.ts'
import { type Progress, silent } from '../progress.ts'
import { csiHostPath, csiHostPathDriver, csiHostPathName, daemonSets, namespace } from './csi-hostpath.ts'

interface CsiNode extends KubeObject {
  readonly spec?: { readonly drivers?: readonly { readonly name: string }[] }
}

const csiNodes = resource<CsiNode>('storage.k8s.io/v1', 'CSINode', 'csinodes', 'Cluster')

export interface InstallCsiHostPathOptions {
  /** Bytes that all volumes of a node may have together; default 10 GiB. Files are sparse: no space is taken. */
  readonly capacity?: number
  readonly progress?: Progress
}

/**
 * Runs a CSI driver on every real node of a cluster, with external-provisioner and external-resizer, and makes the
 * StorageClass `csi-hostpath`. Resolves when the kubelets know the driver.
 * @throws when the cluster has no real node, or after a minute
 */
export async function installCsiHostPath(
  journal: Journal,
  cluster: ControlPlane,
  { capacity = 10 * 2 ** 30, progress = silent }: InstallCsiHostPathOptions = {},
): Promise<void> {
  const nodes = cluster.nodes.filter((node) => journal.process(`${cluster.name}/${node}/namespaces`))
  if (nodes.length === 0) throw new Error(`${cluster.name} has no real node, which a CSI driver needs: --nodes real:1`)
  const programs = await ensurePrograms(['busybox', 'mkfs.xfs', 'xfs_growfs'], progress)
  const bin = await ensureBinaries(['pause', 'ctr', ...csiHostPathBinaries], progress)
  const archives = await ensureImages(['csi-hostpath'], { ...bin, ...programs }, path.join(cacheRoot(), 'images'))
  const ctr = (node: string) => ['env', markOf(journal.dir), ...enterNode(journal, cluster.name, node), bin.ctr]
  await Promise.all(nodes.map((node) => loadImages(ctr(node), archives)))
  await asAdmin(cluster, async (client) => {
    for (const { resource, object } of csiHostPath({ image: imageNames['csi-hostpath'], capacity }))
      unwrap(await client.apply(resource, object))
    await ready(client, nodes)
  })
  progress.step(`${cluster.name}: the CSI driver is ready on ${nodes.length} node${nodes.length === 1 ? '' : 's'}`)
}

async function ready(client: Client, nodes: readonly string[], timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  const registered = async (name: string): Promise<boolean> =>
    (await client.get(csiNodes, { name }))?.spec?.drivers?.some((driver) => driver.name === csiHostPathDriver) === true
  for (;;) {
    const { status } = (await client.get(daemonSets, { namespace, name: csiHostPathName })) ?? {}
    const known = await Promise.all(nodes.map(registered))
    if ((status?.numberReady ?? 0) >= nodes.length && known.every(Boolean)) return
    if (Date.now() > deadline)
      throw new Error(`${client.name}: the CSI driver is not ready on every node after ${timeoutMs / 1000} s`)
    await sleep(100)
  }
}
