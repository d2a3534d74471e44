import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadImages } from '../../images/load.ts'
import { isAlive, markOf } from '../../processes/identity.ts'
import type { Journal, ProcessEntry, ProcessSpec } from '../../processes/journal.ts'
import { ComponentFailed, launch } from '../../processes/launch.ts'
import { enter, nodeNamespaces, startAnchor, systemPath } from './anchor.ts'
import { type NodeCluster, writeNodeFiles } from './files.ts'
import { kubeProxyHealthPort } from './kube-proxy-config.ts'
import { kubeletHealthPort } from './kubelet-config.ts'
import { isFlannel } from './network/cni.ts'
import { type FlannelBinaries, flanneld } from './network/flannel.ts'
import { parseRange } from './network/ipv4.ts'
import type { Underlay } from './network/underlay.ts'
import type { NodePlan } from './plan.ts'
import { setupScript } from './setup.ts'

/** What a node runs besides runc and the CNI plugins, which come from the distribution. */
export const nodeBinaries = ['kubelet', 'kube-proxy', 'containerd', 'containerd-shim-runc-v2', 'ctr'] as const

export interface NodeInput {
  readonly journal: Journal
  readonly cluster: NodeCluster
  readonly underlay: Underlay
  /** Paths by name. */
  readonly bin: Readonly<Record<(typeof nodeBinaries)[number], string>> & FlannelBinaries
  readonly pauseImage: string
  /** Image archives that the node has from the start. */
  readonly images: readonly string[]
  readonly node: NodePlan
  /** The other nodes of the cluster. */
  readonly peers: readonly NodePlan[]
  /** The Node object exists from then on. */
  readonly registered: Promise<unknown>
}

/** Where the official archive of plugins is unpacked by custom, and where Debian's package puts them. */
const cniBinDirs = ['/opt/cni/bin', '/usr/lib/cni']

/** Starts a node's processes and loads its images. Resolves when all are healthy; the Node may not be Ready yet. */
export async function startNode(input: NodeInput): Promise<void> {
  const { journal, cluster, underlay, bin, pauseImage, node } = input
  const ownPlugIn = bin.flannel ? [path.dirname(bin.flannel)] : []
  await writeNodeFiles({
    node,
    cluster,
    pauseImage,
    cniBinDirs: [...ownPlugIn, ...cniBinDirs],
    kubelet: bin.kubelet,
  })
  const anchor = await startAnchor(journal, {
    id: `${node.cluster}/${node.name}/namespaces`,
    namespaces: nodeNamespaces,
    setup: setupScript({
      node,
      underlayPrefix: parseRange(underlay.subnet).prefix,
      gateway: underlay.address,
      switchPid: underlay.switchPid,
      clusterCidr: cluster.network.podCIDR,
      peers: input.peers,
      keep: [journal.dir, ...Object.values(bin), ...input.images],
    }),
    readyFile: path.join(node.dir, 'ready'),
    log: path.join(node.dir, 'log', 'namespaces.log'),
  })
  const within = enter(anchor.pid, nodeNamespaces)
  const specs = components(input, within)
  const containerd = await launch(journal, specs.containerd)
  await socketOf(containerd, path.join('/proc', String(anchor.pid), 'root/run/containerd/containerd.sock'))
  await Promise.all([
    // Marked as ours: should we be killed, it would wait for containerd for ever, and for `down` it is in no journal.
    loadImages(['env', markOf(journal.dir), ...within, bin.ctr], input.images),
    input.registered.then(() => Promise.all(specs.members.map((spec) => launch(journal, spec)))),
  ])
}

function components(
  { bin, node }: NodeInput,
  within: readonly string[],
): { readonly containerd: ProcessSpec; readonly members: readonly ProcessSpec[] } {
  const etc = (name: string): string => path.join(node.dir, 'etc', name)
  const common = (component: string): Omit<ProcessSpec, 'argv'> => ({
    id: `${node.cluster}/${node.name}/${component}`,
    env: { PATH: systemPath(`${path.dirname(bin['containerd-shim-runc-v2'])}:${process.env.PATH}`) },
    log: path.join(node.dir, 'log', `${component}.log`),
    stopTimeoutMs: 2000,
  })
  return {
    containerd: { ...common('containerd'), argv: [...within, bin.containerd, '--config', etc('containerd.toml')] },
    members: [
      {
        ...common('kubelet'),
        argv: [...within, 'unshare', '--mount', '--propagation', 'unchanged', '--', 'sh', etc('kubelet.sh')],
        health: { url: `http://${node.address}:${kubeletHealthPort}/healthz` },
      },
      {
        ...common('kube-proxy'),
        argv: [...within, bin['kube-proxy'], `--config=${etc('kube-proxy.yaml')}`],
        health: { url: `http://${node.address}:${kubeProxyHealthPort}/healthz` },
      },
      ...(isFlannel(node.cni) && bin.flanneld ? [flanneld(node, bin.flanneld, common('flanneld'), within)] : []),
    ],
  }
}

async function socketOf(containerd: ProcessEntry, socket: string): Promise<void> {
  while (!existsSync(socket)) {
    if (!isAlive(containerd)) throw new ComponentFailed(containerd.spec, 'has exited')
    await sleep(10)
  }
}
