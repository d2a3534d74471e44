/** Devices of ours on a node; names of the original where it had the device. */
export const devices = {
  /** VXLAN between clusters, in clear text. */
  bridge: { name: 'vx-bridge', id: 54, port: 4876 },
  /** The same between addresses of IPv6, where a node has no IPv4. */
  bridge6: { name: 'vx-bridge-6', id: 64, port: 4866 },
  /** VXLAN between the nodes of one cluster and its gateways. */
  local: { name: 'vx-local', id: 55, port: 4877 },
  local6: { name: 'vx-local-6', id: 65, port: 4867 },
  /** VXLAN between clusters within an encrypted tunnel: between secure addresses. */
  secure: { name: 'vx-secure', id: 56, port: 4878 },
  wireGuard: { name: 'kl-wireguard', port: 51872 },
  /** The name that strongSwan gives, and that its routes need. The port is for IKE and, within UDP, for ESP. */
  ipsec: { name: 'ipsec0', port: 51873 },
} as const

/** Our routing table, and the protocol number of everything of ours in it. */
export const routingTable = 4876
export const routeProtocol = 76

/** Looked into for what comes from other clusters only. */
export const inwardTable = 4878

/** Looked into for what other gateways of the same cluster have handed on only. */
export const handedOnTable = 4879
/** The bit of a packet's mark that says so, from the end of prerouting to the start of forward. */
export const handedOnMark = 0x1000

/** Where routes go that strongSwan makes and nobody needs. */
export const ipsecRouting = { table: 4877, preference: 32_765 } as const

/**
 * The addresses between which encrypted tunnels run. Reserved (RFC 1112, section 4), so that no network of anybody's is
 * hidden; on the wire they are never seen.
 */
export const secureCIDR = '240.0.0.0/8'
