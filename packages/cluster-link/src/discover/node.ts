import { type ClusterNodeSpec, excludeLabel, type NodeConfigStatus, nodeLabel } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/** What ClusterLink reads of a node. */
export function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(labels && { labels }),
      ...(deletionTimestamp && { deletionTimestamp }),
    },
    spec: {
      ...(spec?.podCIDRs && { podCIDRs: spec.podCIDRs }),
      ...(spec?.podCIDR && { podCIDR: spec.podCIDR }),
      ...(spec?.unschedulable && { unschedulable: true }),
    },
    status: {
      addresses: status?.addresses?.filter(({ type }) => type === 'InternalIP'),
      conditions: status?.conditions
        ?.filter(({ type }) => type === 'Ready')
        .map(({ type, status }) => ({ type, status })),
    },
  } as Node
}

/** Whether the kubelet of a node says that it is well. */
export const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

/** Whether a node gets tunnels: not a virtual one, nor one that its owner leaves out. */
export function isLinkable({ metadata: { labels } }: Node): boolean {
  return labels?.[nodeLabel] === undefined && labels?.[excludeLabel] !== 'true'
}

const isIPv6 = (address: string): boolean => address.includes(':')

/** Where the tunnels of a node start from: from the Node, and, where its agent has run, from the agent. */
export function nodeFacts(
  node: Node,
  agent: NodeConfigStatus | undefined,
): Omit<ClusterNodeSpec, 'clusterName' | 'nodeName' | 'roles' | 'tunnelID' | 'podCIDRs'> {
  const addresses = (node.status?.addresses ?? []).map(({ address }) => address)
  const { underlay, keys } = agent ?? {}
  const ip = underlay ? underlay.ip : addresses.find((address) => !isIPv6(address))
  const ip6 = underlay ? underlay.ip6 : addresses.find(isIPv6)
  return {
    ...(ip && { ip }),
    ...(ip6 && { ip6 }),
    ...(underlay && { interfaceName: underlay.interfaceName, mtu: underlay.mtu }),
    ...(agent?.wireGuard && { publicKey: agent.wireGuard.publicKey }),
    ...(agent?.ipsec && { ipsecPublicKey: agent.ipsec.publicKey }),
    ...(keys?.next && { nextPublicKey: keys.next.wireGuard, nextIpsecPublicKey: keys.next.ipsec }),
    ...(keys?.requestedAt && { keysRequestedAt: keys.requestedAt }),
  }
}
