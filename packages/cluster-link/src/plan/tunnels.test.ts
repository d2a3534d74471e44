import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import fc from 'fast-check'
import { devices } from '../model/names.ts'
import type { LinkNetwork, LinkNode } from '../model/network.ts'
import { placeOf, plansOf } from '../planned.fixture.ts'
import { secureAddress } from './addresses.ts'
import { pairsOf } from './pairs.ts'
import { planNode } from './plan-node.ts'
import { variedNetworks } from './testing/varied-nodes.ts'

const ipHeader = { 4: 20, 6: 40 } as const
const udpHeader = 8
/** RFC 7348, section 5, without the outer Ethernet header. */
const vxlan = { header: 8, innerEthernet: 14 } as const
/** Of a data message: type 4, receiver 4, counter 8, authentication tag 16. */
const wireGuard = 32
/** SPI 4, sequence number 4, IV 8, at most 3 of padding with 2 that say so, ICV 16 (RFC 4303, RFC 4106). */
const esp = 37
/** RFC 8200, section 5. */
const leastOfIpv6 = 1280

const inVxlan = (family: 4 | 6) => ipHeader[family] + udpHeader + vxlan.header + vxlan.innerEthernet

interface End {
  readonly node: LinkNode
  readonly spec: NodeConfigSpec
  readonly secure: string
}

function endsOf(network: LinkNetwork): End[] {
  const plans = plansOf(network)
  return [...network.values()].flatMap((cluster) =>
    [...cluster.nodes.values()].map((node) => ({
      node,
      spec: plans.get(placeOf(cluster.name, node.name)) ?? assert.fail(node.name),
      secure: secureAddress(cluster, node),
    })),
  )
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** Over which family a node calls another one through an encrypted tunnel, and by what; undefined: it does not. */
function callOf(
  { spec }: End,
  to: End,
): { readonly kind: 'wireguard' | 'ipsec'; readonly address: string } | undefined {
  const peer = spec.peers?.find(({ allowedIPs }) => allowedIPs.includes(`${to.secure}/32`))
  if (peer) return { kind: 'wireguard', address: (peer.endpoint ?? '').replace(/:\d+$/, '').replaceAll(/[[\]]/g, '') }
  const ipsec = spec.ipsecPeers?.find(({ remoteSecure }) => remoteSecure === to.secure)
  return ipsec && { kind: 'ipsec', address: ipsec.remote ?? '' }
}

/** The largest packet that fits between two nodes within an encrypted tunnel, VXLAN not counted. */
function encryptedRoom(from: End, to: End): number {
  const call = callOf(from, to) ?? assert.fail('there is no tunnel')
  const back = callOf(to, from)
  const family = [call, back].some((one) => one && familyOf(one.address) === 6) ? 6 : 4
  const wire = Math.min(from.node.mtu, to.node.mtu) - ipHeader[family] - udpHeader
  return call.kind === 'wireguard' ? wire - wireGuard : Math.min(1400, wire - esp)
}

/** The MTU that a device of VXLAN has to have: what fits to everybody that it leads to. */
function roomOf(from: End, { name }: LinkDevice, ends: readonly End[]): number {
  const rooms = (from.spec.fdbs ?? [])
    .filter(({ dev }) => dev === name)
    .map(({ ip }) => {
      const to = ends.find(({ node, secure }) => [node.ip, node.ip6, secure].includes(ip)) ?? assert.fail(ip)
      if (name === devices.secure.name) return Math.max(leastOfIpv6, encryptedRoom(from, to) - inVxlan(4))
      return Math.max(leastOfIpv6, Math.min(from.node.mtu, to.node.mtu) - inVxlan(familyOf(ip)))
    })
  return Math.min(...rooms)
}

const always = (property: (ends: readonly End[], network: LinkNetwork) => void, numRuns = 100) =>
  fc.assert(
    fc.property(variedNetworks, (network) => property(endsOf(network), network)),
    { numRuns },
  )

describe('the tunnels of nodes of all kinds', () => {
  it('take packets as large as fit, with all headers, to every node at their other ends', () => {
    always((ends) => {
      for (const end of ends) {
        const ofVxlan = end.spec.devices?.filter(({ type }) => type === 'vxlan') ?? []
        for (const device of ofVxlan) assert.equal(device.mtu, roomOf(end, device, ends), device.name)
      }
    })
  })

  it('have one below them, if they are encrypted, that takes what VXLAN makes of the largest packet', () => {
    always((ends) => {
      for (const { spec } of ends) {
        const all = spec.devices ?? []
        const inner = all.find(({ name }) => name === devices.secure.name)
        for (const { type, mtu = 0 } of all)
          if (type !== 'vxlan') assert.ok(mtu >= (inner?.mtu ?? assert.fail('nothing is within it')) + inVxlan(4))
      }
    })
  })

  it('are there for nodes that have keys, to those that have, by addresses of a family that both know', () => {
    always((ends) => {
      for (const from of ends) {
        for (const to of ends) {
          const call = callOf(from, to)
          if (call === undefined) continue
          assert.ok(from.node.publicKey && to.node.publicKey, 'both have keys')
          const { ip, ip6, endpoint } = to.node
          assert.ok([ip, ip6, endpoint?.address].includes(call.address), call.address)
          assert.ok(familyOf(call.address) === 4 ? from.node.ip : from.node.ip6, 'the caller has the family')
        }
      }
    })
  })

  it('start where the node has an address', () => {
    always((ends) => {
      for (const { node, spec, secure } of ends) {
        for (const { type, local } of spec.devices ?? [])
          if (type === 'vxlan') assert.ok([node.ip, node.ip6, secure].includes(local), `${local}`)
        for (const { local } of spec.ipsecPeers ?? []) assert.ok([node.ip, node.ip6].includes(local), `${local}`)
      }
    })
  })

  it('are the only way that routes lead, and without any a node has nothing to do', () => {
    always((ends) => {
      for (const { spec } of ends) {
        const names = new Set(spec.devices?.map(({ name }) => name))
        const uses = [spec.routes, spec.inwardRoutes, spec.detours, spec.fdbs, spec.arps, spec.masquerades]
        for (const { dev } of uses.flatMap((list): readonly { dev?: string }[] => list ?? []))
          assert.ok(dev !== undefined && names.has(dev), `${dev}`)
        if (names.size === 0) assert.deepEqual(Object.keys(spec), ['nodeName'])
      }
    })
  })

  it('follow from the network alone, not from which nodes were planned before', () => {
    always((_, network) => {
      const together = plansOf(network)
      for (const { name, nodes } of network.values()) {
        for (const node of nodes.values()) {
          // What is kept of a network is kept by its objects, so a copy starts without.
          const copy = structuredClone(network)
          const cluster = copy.get(name) ?? assert.fail(name)
          const alone = planNode(cluster, cluster.nodes.get(node.name) ?? assert.fail(), pairsOf(copy, cluster))
          assert.deepEqual(alone, together.get(placeOf(name, node.name)))
        }
      }
    }, 30)
  })
})
