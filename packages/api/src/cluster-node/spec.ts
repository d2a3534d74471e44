import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { timePattern } from '../schema/patterns.ts'

export const clusterNodeSpec = struct(
  {
    clusterName: Type.String({ description: 'The Cluster that it belongs to.', minLength: 1, maxLength: 253 }),
    nodeName: Type.String({ description: 'The name of the node in that cluster.', minLength: 1, maxLength: 253 }),
    podCIDRs: Type.Optional(
      Type.Array(Type.String({ description: 'A CIDR.', maxLength: 49 }), {
        description: 'The networks of the pods on it.',
        maxItems: 256,
        listType: 'atomic',
      }),
    ),
    ip: Type.Optional(Type.String({ description: 'The IPv4 address that its tunnels start from.', maxLength: 45 })),
    ip6: Type.Optional(Type.String({ description: 'The IPv6 address that its tunnels start from.', maxLength: 45 })),
    endpoint: Type.Optional(
      Type.String({
        description: 'Where encrypted tunnels of other clusters reach it, if not at its own address and port.',
        maxLength: 64,
      }),
    ),
    roles: Type.Optional(
      Type.Array(Type.Enum(['gateway', 'standby'], { description: 'A role.' }), {
        description:
          'gateway: traffic with other clusters passes it; standby: it is a gateway that is cordoned or not Ready, or whose agent is silent, and comes after the others.',
        maxItems: 8,
        listType: 'set',
      }),
    ),
    interfaceName: Type.Optional(Type.String({ description: 'The interface that its tunnels use.', maxLength: 15 })),
    mtu: Type.Optional(
      Type.Integer({
        description: 'The MTU of that interface, in bytes.',
        format: 'int32',
        minimum: 68,
        maximum: 65_535,
      }),
    ),
    publicKey: Type.Optional(
      Type.String({ description: 'The public key of its WireGuard tunnels, base64.', maxLength: 44 }),
    ),
    ipsecPublicKey: Type.Optional(
      Type.String({
        description: 'The public key of its IPsec tunnels: SubjectPublicKeyInfo, base64.',
        maxLength: 1024,
      }),
    ),
    nextPublicKey: Type.Optional(
      Type.String({ description: 'The public key that WireGuard on it goes over to.', maxLength: 44 }),
    ),
    nextIpsecPublicKey: Type.Optional(
      Type.String({ description: 'The public key that IPsec on it goes over to.', maxLength: 1024 }),
    ),
    keysRequestedAt: Type.Optional(
      Type.String({
        description: 'When its keys were asked for; without it, they are its first ones.',
        maxLength: 40,
        pattern: timePattern,
      }),
    ),
    tunnelID: Type.Optional(
      Type.Integer({
        description: 'Its number within bridgeCIDRs and localCIDRs; given once and kept.',
        format: 'int32',
        minimum: 1,
        maximum: 16_777_214,
      }),
    ),
  },
  { description: 'What ClusterLink knows about the node. Written by its controller.' },
)

export type ClusterNodeSpec = Static<typeof clusterNodeSpec>
