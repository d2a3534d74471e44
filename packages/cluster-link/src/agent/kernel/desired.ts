import type { LinkDevice, LinkPeer, NodeConfigSpec } from '@kosmos/api'
import { sidesOf } from '../firewall/sides.ts'
import { nftTable } from '../firewall/table.ts'
import { connectionsOf, type OwnEnd } from '../ipsec/connection.ts'
import {
  canonicalAddress,
  canonicalEndpoint,
  canonicalNetwork,
  canonicalPrefix,
  type Family,
  familyOf,
} from '../net/cidr.ts'
import { desiredRoutes } from './desired-routes.ts'
import { type ClosedChain, type Forward, forwardKey } from './forward.ts'
import {
  type Fdb,
  fdbKey,
  type KernelState,
  keyedBy,
  type Link,
  type Neighbour,
  neighbourKey,
  nothing,
  type Peer,
  ruleKey,
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
  /** Chains of others that drop what they are not told to forward. */
  readonly closedChains: readonly ClosedChain[]
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
    rules: desiredRules(spec, vxlans, facts),
    fdbs: keyedBy((spec.fdbs ?? []).filter(({ ip }) => speaks(ip)).map(fdbOf), fdbKey),
    neighbours: keyedBy((spec.arps ?? []).filter(({ ip }) => speaks(ip)).map(neighbourOf), neighbourKey),
    wireGuards: keyedBy(
      devices.filter(({ type }) => type === 'wireguard').map((device) => wireGuardOf(device, spec, facts)),
      ({ dev }) => dev,
    ),
    ipsecs: keyedBy(
      (spec.ipsecPeers ?? []).flatMap((peer) => connectionsOf(peer, facts.ipsec)),
      ({ name }) => name,
    ),
    nft: nftTable(spec),
    forwards: keyedBy(
      facts.closedChains.flatMap(({ chain, before: at }) =>
        vxlans.flatMap(({ name: dev }) =>
          (['i', 'o'] as const).map(
            (direction): Forward => ({ chain, direction, dev, ...(at !== undefined && { at }) }),
          ),
        ),
      ),
      forwardKey,
    ),
  }
}

/** What comes in from other clusters looks for the node that has the pod first, what was handed on for the next gateway. */
function desiredRules(
  { inwardRoutes = [], detours = [] }: NodeConfigSpec,
  vxlans: readonly LinkDevice[],
  { hasIpv6 }: Facts,
) {
  const families: readonly Family[] = hasIpv6 ? [4, 6] : [4]
  const { outside, inside } = sidesOf(vxlans)
  return new Set(
    families.flatMap((family) => {
      const isInward = inwardRoutes.some(({ cidr }) => familyOf(cidr) === family)
      const handsOn = detours.some(({ gw }) => familyOf(gw) === family)
      return [
        ruleKey(family),
        ...(isInward ? outside.map(({ name }) => ruleKey(family, name)) : []),
        ...(handsOn ? inside.map(({ name }) => ruleKey(family, name, 'handed-on')) : []),
      ]
    }),
  )
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

/** A peer, and, until it has gone over to another key, that one, to which nothing is sent yet. */
function peersOf({ publicKey, nextPublicKey, endpoint, allowedIPs, keepaliveSeconds }: LinkPeer): Peer[] {
  const where = endpoint ? { endpoint: canonicalEndpoint(endpoint) } : {}
  const addresses = allowedIPs.map(canonicalNetwork).sort()
  return [
    { publicKey, ...where, allowedIPs: addresses, ...(keepaliveSeconds !== undefined && { keepaliveSeconds }) },
    ...(nextPublicKey === undefined ? [] : [{ publicKey: nextPublicKey, ...where, allowedIPs: [] }]),
  ]
}

function wireGuardOf({ name, port }: LinkDevice, { peers = [] }: NodeConfigSpec, { publicKey }: Facts): WireGuard {
  const ofDevice = peers.filter(({ dev }) => dev === name)
  return {
    dev: name,
    publicKey,
    port,
    peers: keyedBy(ofDevice.flatMap(peersOf), (peer) => peer.publicKey),
  }
}
