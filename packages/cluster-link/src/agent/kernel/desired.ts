import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import { nftTable } from '../firewall/table.ts'
import { connectionOf, type OwnEnd } from '../ipsec/connection.ts'
import {
  canonicalAddress,
  canonicalEndpoint,
  canonicalNetwork,
  canonicalPrefix,
  type Family,
  familyOf,
} from '../net/cidr.ts'
import { desiredRoutes } from './desired-routes.ts'
import {
  type Fdb,
  fdbKey,
  forwardKey,
  type KernelState,
  keyedBy,
  type Link,
  type Neighbour,
  neighbourKey,
  nothing,
  type Peer,
  type WireGuard,
} from './state.ts'

/** What the desired state depends on besides the NodeConfig. */
export interface Facts {
  /** Whether the node speaks IPv6 at all. */
  readonly hasIpv6: boolean
  readonly wireGuard: 'wireguard' | 'tun'
  /** The node's own. */
  readonly publicKey: string
  readonly ipsec: OwnEnd
  /** Next hops that do not answer. */
  readonly unreachable: ReadonlySet<string>
  /** Families in which iptables drops what it is not told to forward. */
  readonly closedForward: ReadonlySet<Family>
}

/** What the kernel should have of ours. The text of the nftables table is ours, not yet in the words of nft. */
export function desired(spec: NodeConfigSpec, facts: Facts): KernelState {
  const { devices = [] } = spec
  if (devices.length === 0) return nothing
  const speaks = (address: string) => facts.hasIpv6 || familyOf(address) === 4
  const links = devices.map((device) => linkOf(device, facts, speaks))
  const vxlans = devices.filter(({ type }) => type === 'vxlan')
  return {
    links: keyedBy(links, ({ name }) => name),
    routes: desiredRoutes(spec, { ...facts, links }),
    rules: new Set<Family>(facts.hasIpv6 ? [4, 6] : [4]),
    fdbs: keyedBy((spec.fdbs ?? []).filter(({ ip }) => speaks(ip)).map(fdbOf), fdbKey),
    neighbours: keyedBy((spec.arps ?? []).filter(({ ip }) => speaks(ip)).map(neighbourOf), neighbourKey),
    wireGuards: keyedBy(
      devices.filter(({ type }) => type === 'wireguard').map((device) => wireGuardOf(device, spec, facts)),
      ({ dev }) => dev,
    ),
    ipsecs: keyedBy(
      (spec.ipsecPeers ?? []).map((peer) => connectionOf(peer, facts.ipsec)),
      ({ name }) => name,
    ),
    nft: nftTable(spec),
    forwards: new Set(
      [...facts.closedForward].flatMap((family) =>
        vxlans.flatMap(({ name }) => [forwardKey(family, 'i', name), forwardKey(family, 'o', name)]),
      ),
    ),
  }
}

function linkOf(device: LinkDevice, { wireGuard, ipsec }: Facts, speaks: (address: string) => boolean): Link {
  const { type, name, addr, addr6, mac, mtu, id = 0, port, local, bindDev } = device
  return {
    name,
    kind: { vxlan: 'vxlan' as const, wireguard: wireGuard, ipsec: ipsec.implementation }[type],
    ...(type === 'vxlan' && {
      vxlan: { id, port, ...(local && { local: canonicalAddress(local) }), ...(bindDev && { bindDev }) },
      ...(mac && { mac }),
    }),
    mtu,
    addresses: [addr, addr6]
      .filter((address) => address !== undefined && speaks(address))
      .map((address = '') => canonicalPrefix(address))
      .sort(),
    isUp: true,
    isMarked: true,
    isLoose: true,
  }
}

function fdbOf({ dev, mac, ip }: Fdb): Fdb {
  return { dev, mac, ip: canonicalAddress(ip) }
}

function neighbourOf({ dev, ip, mac }: Neighbour): Neighbour {
  return { dev, ip: canonicalAddress(ip), mac }
}

function wireGuardOf({ name, port }: LinkDevice, { peers = [] }: NodeConfigSpec, { publicKey }: Facts): WireGuard {
  const ofDevice = peers.filter(({ dev }) => dev === name)
  return {
    dev: name,
    publicKey,
    port,
    peers: keyedBy(
      ofDevice.map(
        ({ publicKey, endpoint, allowedIPs, keepaliveSeconds }): Peer => ({
          publicKey,
          ...(endpoint && { endpoint: canonicalEndpoint(endpoint) }),
          allowedIPs: allowedIPs.map(canonicalNetwork).sort(),
          ...(keepaliveSeconds !== undefined && { keepaliveSeconds }),
        }),
      ),
      (peer) => peer.publicKey,
    ),
  }
}
