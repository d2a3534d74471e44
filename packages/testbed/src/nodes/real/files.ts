import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Authority } from '../../pki/authority.ts'
import { kubeconfig } from '../../pki/kubeconfig.ts'
import { containerdConfig } from './containerd-config.ts'
import { kubeProxyConfig } from './kube-proxy-config.ts'
import { kernelTunables, kubeletConfig } from './kubelet-config.ts'
import { isFlannel } from './network/cni.ts'
import { cniConfig } from './network/cni-config.ts'
import { flannelUser, netConf } from './network/flannel.ts'
import type { NodePlan } from './plan.ts'
import { line } from './shell.ts'

/** A cluster as its nodes need to know it. */
export interface NodeCluster {
  readonly name: string
  /** URL of its API server, on an address that nodes reach. */
  readonly server: string
  readonly network: { readonly podCIDR: string; readonly dnsAddress: string }
  /** Signs what a kubelet serves with and what it and kube-proxy are known by. */
  readonly authority: Pick<Authority, 'certificate' | 'issue'>
}

export interface NodeFilesInput {
  readonly node: NodePlan
  readonly cluster: NodeCluster
  readonly pauseImage: string
  readonly cniBinDirs: readonly string[]
  readonly kubelet: string
}

/** Writes the configuration of everything that runs on a node to `<node>/etc` and `<node>/cni`. */
export async function writeNodeFiles({
  node,
  cluster,
  pauseImage,
  cniBinDirs,
  kubelet,
}: NodeFilesInput): Promise<void> {
  const etc = path.join(node.dir, 'etc')
  mkdirSync(path.join(etc, 'tunables'), { recursive: true, mode: 0o700 })
  mkdirSync(path.join(node.dir, 'cni'), { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(path.join(etc, name), text, { mode: 0o600 })
  const { authority } = cluster
  const [serving, kubeletUser, proxyUser] = await Promise.all([
    authority.issue({
      commonName: `system:node:${node.name}`,
      organizations: ['system:nodes'],
      hosts: [node.name, node.address],
    }),
    authority.issue({ commonName: `system:node:${node.name}`, organizations: ['system:nodes'], client: true }),
    authority.issue({ commonName: 'system:kube-proxy', client: true }),
  ])
  const access = { name: cluster.name, server: cluster.server, ca: authority.certificate }
  write('ca.crt', authority.certificate)
  write('kubelet.crt', serving.certificate)
  write('kubelet.key', serving.key)
  write('kubelet.kubeconfig', kubeconfig({ ...access, user: kubeletUser }))
  write('kube-proxy.kubeconfig', kubeconfig({ ...access, user: proxyUser }))
  write('kubelet.yaml', kubeletConfig(node, cluster.network.dnsAddress))
  write('kube-proxy.yaml', kubeProxyConfig(node, cluster.network.podCIDR))
  write('containerd.toml', containerdConfig({ pauseImage, dir: node.dir, cniBinDirs }))
  // There is no resolver that pods could reach but the cluster's own.
  write('resolv.conf', '')
  writeFileSync(path.join(node.dir, 'cni', '10-pods.conflist'), cniConfig(node))
  if (isFlannel(node.cni)) {
    const user = await authority.issue({ commonName: flannelUser, client: true })
    write('flanneld.kubeconfig', kubeconfig({ ...access, user }))
    write('net-conf.json', netConf(node.cni, cluster.network.podCIDR))
  }
  for (const [target, value] of Object.entries(kernelTunables)) write(tunableFile(target), `${value}\n`)
  write('kubelet.sh', kubeletScript(node, kubelet))
}

/** Runs in a mount namespace below the node's, which only the kubelet sees; its own mounts go up to the node's. */
export function kubeletScript(node: NodePlan, kubelet: string): string {
  const etc = path.join(node.dir, 'etc')
  return `${[
    'set -eu',
    'mount --make-rprivate /proc',
    ...Object.keys(kernelTunables).map((target) =>
      line('mount', '--bind', path.join(etc, tunableFile(target)), target),
    ),
    line(
      'exec',
      kubelet,
      `--config=${path.join(etc, 'kubelet.yaml')}`,
      `--kubeconfig=${path.join(etc, 'kubelet.kubeconfig')}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.address}`,
    ),
  ].join('\n')}\n`
}

function tunableFile(target: string): string {
  return path.join('tunables', target.slice('/proc/sys/'.length).replaceAll('/', '.'))
}
