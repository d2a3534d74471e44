import type { Node } from '@kosmos/kube'

/** Kubernetes distributions whose API server reaches nodes through a tunnel of its own by default. */
export type TunnelDistribution = 'k3s' | 'RKE2'

/** Whether the root is such a distribution, by its version or what it writes on its nodes. Pure. */
export function tunnelDistribution(gitVersion: string, nodes: readonly Node[]): TunnelDistribution | undefined {
  const traces = nodes.flatMap(({ metadata: { labels = {}, annotations = {} } }) => [
    labels['node.kubernetes.io/instance-type'] ?? '',
    ...Object.keys(annotations),
    ...Object.keys(labels),
  ])
  const has = (version: RegExp, trace: RegExp) => version.test(gitVersion) || traces.some((text) => trace.test(text))
  if (has(/\+rke2/, /^rke2$|^rke2\.io\//)) return 'RKE2'
  if (has(/\+k3s/, /^k3s$|^k3s\.io\//)) return 'k3s'
  return undefined
}

/** The setting that makes the API server reach virtual nodes, which have no agent of the tunnel. */
export function tunnelFix(distribution: TunnelDistribution | undefined): string {
  const folder = distribution === 'RKE2' ? '/etc/rancher/rke2/config.yaml' : '/etc/rancher/k3s/config.yaml'
  return distribution === undefined
    ? "let the API server's tunnel end where the virtual nodes' addresses are reached (konnectivity: an agent that reaches them, and --proxy-strategies that end with default; k3s and RKE2: egress-selector-mode: disabled): docs/how-to/k3s-and-rke2.md"
    : `set egress-selector-mode: disabled in ${folder} of every server and restart it`
}
