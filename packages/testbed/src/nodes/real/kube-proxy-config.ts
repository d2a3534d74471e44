import path from 'node:path'
import { dump } from 'js-yaml'
import { proxyMode } from './network/cni.ts'
import type { NodePlan } from './plan.ts'

export const kubeProxyHealthPort = 10256

/** KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), YAML. */
export function kubeProxyConfig(node: NodePlan, clusterCidr: string): string {
  const mode = proxyMode(node.cni)
  return dump({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    [mode]: { minSyncPeriod: '100ms' },
    hostnameOverride: node.name,
    clientConnection: { kubeconfig: path.join(node.dir, 'etc', 'kube-proxy.kubeconfig') },
    clusterCIDR: clusterCidr,
    healthzBindAddress: `${node.address}:${kubeProxyHealthPort}`,
    metricsBindAddress: `${node.address}:10249`,
    // 0 leaves the limits alone, which are the whole machine's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
  })
}
