import fc from 'fast-check'
import type { LinkNetwork, LinkNode } from '../../model/network.ts'
import { networks } from './networks.ts'

/** What differs from node to node in real networks. */
const variation = fc.record({
  addresses: fc.constantFrom('4', '6', '46'),
  mtu: fc.constantFrom(1280, 1400, 1500, 8950),
  hasKeys: fc.boolean(),
  endpoint: fc.constantFrom(4, 6, undefined),
})

type Variation = typeof variation extends fc.Arbitrary<infer T> ? T : never

function varied(node: LinkNode, number: number, { addresses, mtu, hasKeys, endpoint }: Variation): LinkNode {
  const { ip, publicKey, ipsecPublicKey, ...others } = node
  return {
    ...others,
    mtu,
    ...(addresses.includes('4') && { ip }),
    ...(addresses.includes('6') && { ip6: `2001:db8::${number.toString(16)}` }),
    ...(hasKeys && { publicKey, ipsecPublicKey }),
    ...(endpoint === 4 && { endpoint: { family: 4, address: `203.0.113.${number}`, port: 4000 } }),
    ...(endpoint === 6 && { endpoint: { family: 6, address: `2001:db8:1::${number.toString(16)}`, port: 4000 } }),
  }
}

/** Networks whose nodes have addresses of one family or both, each an MTU, some no keys, and some another address outside. */
export const variedNetworks: fc.Arbitrary<LinkNetwork> = fc
  .tuple(networks, fc.array(variation, { minLength: 20, maxLength: 20 }))
  .map(([network, variations]) => {
    let number = 0
    const clusters = [...network].map(([name, cluster]) => {
      const nodes = [...cluster.nodes].map(([node, one]) => {
        number++
        return [node, varied(one, number, variations[number % variations.length] as Variation)] as const
      })
      return [name, { ...cluster, nodes: new Map(nodes) }] as const
    })
    return new Map(clusters)
  })
