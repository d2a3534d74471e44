import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { loadImages } from '../../images/load.ts'
import { isAlive } from '../../processes/identity.ts'
import type { Journal, ProcessEntry, ProcessSpec } from '../../processes/journal.ts'
import { ComponentFailed, launch } from '../../processes/launch.ts'
import { enter, startAnchor, systemPath } from './anchor.ts'
import { createCgroups } from './cgroups.ts'
import { type NodeCluster, writeNodeFiles } from './files.ts'
import { parseRange } from './ipv4.ts'
import { kubeProxyHealthPort } from './kube-proxy-config.ts'
import { kubeletHealthPort } from './kubelet-config.ts'
import { type NodePlan, planNodes } from './plan.ts'
import { setupScript } from './setup.ts'
import type { Underlay } from './underlay.ts'

const run = promisify(execFile)

/** Paths of the programs that a node runs; `runc` and the CNI plugins come from the distribution. */
export interface NodeBinaries {
  readonly kubelet: string
  readonly containerd: string
  /** Looked up by containerd in its search path. */
  readonly shim: string
  readonly ctr: string
  readonly kubeProxy: string
  readonly kubectl: string
}

export interface RealNodesInput {
  readonly journal: Journal
  readonly cluster: NodeCluster & { readonly kubeconfig: string }
  readonly underlay: Underlay
  readonly count: number
  /** Number of the first node; default 1. Nodes that are added later continue the count. */
  readonly first?: number
  readonly bin: NodeBinaries
  readonly pauseImage: string
  /** Image archives that every node has from the start. */
  readonly images: readonly string[]
  readonly cniBinDirs?: readonly string[]
}

/**
 * Starts nodes side by side, each with containerd, kubelet and kube-proxy in namespaces of its own, and loads the images.
 * @returns their names, once all are Ready
 * @throws ComponentFailed when a process does not come up
 */
export async function startRealNodes(input: RealNodesInput): Promise<string[]> {
  const { journal, cluster, underlay, count, first = 1 } = input
  const addresses = Array.from({ length: count }, () => underlay.nextAddress())
  const nodes = planNodes(journal.dir, cluster, first, addresses)
  createCgroups(journal, nodes)
  const registered = register(input, nodes)
  await Promise.all(nodes.map((node) => startNode(input, node, nodes, registered)))
  await routeToPods(nodes, underlay)
  await kubectl(input, ['wait', '--for=condition=Ready', '--timeout=120s', ...nodes.map((n) => `node/${n.name}`)])
  return nodes.map((n) => n.name)
}

async function startNode(
  input: RealNodesInput,
  node: NodePlan,
  all: NodePlan[],
  registered: Promise<void>,
): Promise<void> {
  const { journal, cluster, underlay, bin, pauseImage, cniBinDirs = ['/opt/cni/bin', '/usr/lib/cni'] } = input
  await writeNodeFiles({ node, cluster, pauseImage, cniBinDirs, kubelet: bin.kubelet })
  const anchor = await startAnchor(journal, {
    id: `${node.cluster}/${node.name}/namespaces`,
    namespaces: ['mount', 'net', 'uts'],
    setup: setupScript({
      node,
      underlayPrefix: parseRange(underlay.subnet).prefix,
      gateway: underlay.address,
      switchPid: underlay.switchPid,
      clusterCidr: cluster.podCidr,
      peers: all.filter((peer) => peer !== node),
      keep: [journal.dir, ...Object.values(bin), ...input.images],
    }),
    readyFile: path.join(node.dir, 'ready'),
    log: path.join(node.dir, 'log', 'namespaces.log'),
  })
  const within = enter(anchor.pid, ['mount', 'net', 'uts'])
  const specs = processes(input, node, within)
  const containerd = await launch(journal, specs.containerd)
  await socketOf(containerd, path.join('/proc', String(anchor.pid), 'root/run/containerd/containerd.sock'))
  await registered
  await Promise.all([
    launch(journal, specs.kubelet),
    launch(journal, specs.kubeProxy),
    loadImages([...within, bin.ctr], input.images),
  ])
}

function processes(
  { bin }: RealNodesInput,
  node: NodePlan,
  within: readonly string[],
): Record<'containerd' | 'kubelet' | 'kubeProxy', ProcessSpec> {
  const etc = (name: string): string => path.join(node.dir, 'etc', name)
  const common = (component: string): Omit<ProcessSpec, 'argv'> => ({
    id: `${node.cluster}/${node.name}/${component}`,
    env: { PATH: systemPath(`${path.dirname(bin.shim)}:${process.env.PATH}`) },
    log: path.join(node.dir, 'log', `${component}.log`),
  })
  return {
    containerd: { ...common('containerd'), argv: [...within, bin.containerd, '--config', etc('containerd.toml')] },
    kubelet: {
      ...common('kubelet'),
      argv: [...within, 'unshare', '--mount', '--propagation', 'unchanged', '--', 'sh', etc('kubelet.sh')],
      health: { url: `http://${node.address}:${kubeletHealthPort}/healthz` },
    },
    kubeProxy: {
      ...common('kube-proxy'),
      argv: [...within, bin.kubeProxy, `--config=${etc('kube-proxy.yaml')}`],
      health: { url: `http://${node.address}:${kubeProxyHealthPort}/healthz` },
    },
  }
}

async function socketOf(containerd: ProcessEntry, socket: string): Promise<void> {
  while (!existsSync(socket)) {
    if (!isAlive(containerd)) throw new ComponentFailed(containerd.spec, 'has exited')
    await sleep(10)
  }
}

/** Creates the Node objects before their kubelets do, so that they carry the pod range that the nodes route. */
async function register(input: RealNodesInput, nodes: readonly NodePlan[]): Promise<void> {
  const items = nodes.map((node) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name },
    spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] },
  }))
  await kubectl(input, ['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

/** Lets the host, and so the API servers with their webhooks, reach pods; another test bed may hold the same range. */
async function routeToPods(nodes: readonly NodePlan[], underlay: Underlay): Promise<void> {
  for (const node of nodes) {
    await run('ip', ['route', 'add', node.podCidr, 'via', node.address, 'dev', underlay.bridge]).catch(() => undefined)
  }
}

async function kubectl({ bin, cluster }: RealNodesInput, args: readonly string[], input?: string): Promise<void> {
  const done = run(bin.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args])
  if (input !== undefined) done.child.stdin?.end(input)
  await done
}
