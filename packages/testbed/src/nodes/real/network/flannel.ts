import path from 'node:path'
import type { ProcessSpec } from '../../../processes/journal.ts'
import type { NodePlan } from '../plan.ts'
import { type Cni, proxyMode } from './cni.ts'

/** flanneld, its CNI plug-in, and its manifest. */
export const flannelBinaries = ['flanneld', 'flannel', 'kube-flannel.yml'] as const

/** Paths; absent where no cluster has Flannel. */
export type FlannelBinaries = Readonly<Partial<Record<(typeof flannelBinaries)[number], string>>>

/** As whom flanneld speaks to the API server: the account in its manifest, by a certificate instead of a token. */
export const flannelUser = 'system:serviceaccount:kube-flannel:flannel'

const healthPort = 8081

/** net-conf.json of flanneld; its manifest has the same in a ConfigMap. */
export function netConf(cni: Cni, podCidr: string): string {
  return JSON.stringify({
    Network: podCidr,
    EnableNFTables: proxyMode(cni) === 'nftables',
    Backend: { Type: 'vxlan' },
  })
}

/** cni-conf.json of its manifest, in the newest version that the plug-in knows. */
export const flannelCniConfig = {
  name: 'cbr0',
  cniVersion: '0.4.0',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
} as const

/** flanneld with the arguments of its manifest; healthy when the node has its network. */
export function flanneld(
  node: NodePlan,
  program: string,
  common: Omit<ProcessSpec, 'argv'>,
  within: readonly string[],
): ProcessSpec {
  const etc = (name: string): string => path.join(node.dir, 'etc', name)
  return {
    ...common,
    env: { ...common.env, NODE_NAME: node.name },
    argv: [
      ...within,
      program,
      '--ip-masq',
      '--kube-subnet-mgr',
      `--kubeconfig-file=${etc('flanneld.kubeconfig')}`,
      `--net-config-path=${etc('net-conf.json')}`,
      `--healthz-ip=${node.address}`,
      `--healthz-port=${healthPort}`,
    ],
    health: { url: `http://${node.address}:${healthPort}/readyz` },
  }
}
