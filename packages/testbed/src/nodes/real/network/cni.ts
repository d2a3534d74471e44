/**
 * The network of the pods of real nodes: `ptp` and a route for each node, or Flannel with VXLAN, whose own rules and
 * those of kube-proxy are of nftables or of iptables.
 */
export const cnis = ['ptp', 'flannel', 'flannel-iptables'] as const
export type Cni = (typeof cnis)[number]

export const isFlannel = (cni: Cni): boolean => cni !== 'ptp'

/** Mode of kube-proxy. */
export const proxyMode = (cni: Cni): 'nftables' | 'iptables' => (cni === 'flannel-iptables' ? 'iptables' : 'nftables')
