import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { conditionOf } from '../schema/condition.ts'
import { timePattern } from '../schema/patterns.ts'

const time = (description: string) => Type.Optional(Type.String({ description, maxLength: 40, pattern: timePattern }))
const address = (description: string) => Type.Optional(Type.String({ description, maxLength: 45 }))

const underlay = struct(
  {
    interfaceName: Type.String({ description: 'The interface.', maxLength: 15 }),
    ip: address('Its IPv4 address.'),
    ip6: address('Its IPv6 address.'),
    mtu: Type.Integer({ description: 'Its MTU, in bytes.', format: 'int32', minimum: 68, maximum: 65_535 }),
  },
  { description: 'Where the tunnels of the node start from.' },
)

const nextHop = struct(
  {
    address: Type.String({ description: 'The next hop, on the device of a tunnel.', maxLength: 45 }),
    reachable: Type.Boolean({ description: 'Whether it answers through the tunnel.' }),
    since: Type.String({ description: 'Since when.', maxLength: 40, pattern: timePattern }),
    lastProbeTime: time('When it was last asked, as of the last write of the status.'),
    roundTripMicroseconds: Type.Optional(
      Type.Integer({ description: 'How long answers took of late.', format: 'int32', minimum: 0 }),
    ),
    lossPercent: Type.Optional(
      Type.Integer({
        description: 'How many questions of late had no answer.',
        format: 'int32',
        minimum: 0,
        maximum: 100,
      }),
    ),
  },
  { description: 'A next hop and whether it answers.' },
)

export const nodeConfigStatus = struct(
  {
    observedGeneration: Type.Optional(
      Type.Integer({ description: 'The metadata.generation that is applied.', format: 'int64', minimum: 0 }),
    ),
    lastChangeTime: time('When something was last changed in the kernel.'),
    lastSyncTime: time('When the kernel was last found to be, or made, as it should be.'),
    conditions: Type.Optional(
      Type.Array(conditionOf('Applied or NextHopsReachable'), {
        description: 'What works and what does not.',
        maxItems: 32,
        listType: 'map',
        listMapKeys: ['type'],
      }),
    ),
    abilities: Type.Optional(
      Type.Array(Type.Enum(['NodeTranslations'], { description: 'An ability.' }), {
        description:
          'What the agent can do that agents of earlier versions cannot. NodeTranslations: nodeTranslations of the spec.',
        maxItems: 32,
        listType: 'set',
      }),
    ),
    underlay: Type.Optional(underlay),
    wireGuard: Type.Optional(
      struct(
        {
          publicKey: Type.String({ description: 'The public key of the node, base64.', maxLength: 44 }),
          implementation: Type.Enum(['kernel', 'wireguard-go'], { description: 'What encrypts.' }),
        },
        { description: 'WireGuard on the node. The private key never leaves it.' },
      ),
    ),
    ipsec: Type.Optional(
      struct(
        {
          publicKey: Type.String({
            description: 'The public key of the node: SubjectPublicKeyInfo, base64.',
            maxLength: 1024,
          }),
          implementation: Type.Enum(['kernel', 'libipsec'], {
            description: "What encrypts: the kernel, or strongSwan's kernel-libipsec.",
          }),
        },
        { description: 'IPsec on the node. The private key never leaves it.' },
      ),
    ),
    keys: Type.Optional(
      struct(
        {
          requestedAt: time('Which keys the node has: those that were asked for then. Without it, its first ones.'),
          next: Type.Optional(
            struct(
              {
                requestedAt: time('Which keys these are.'),
                wireGuard: Type.String({ description: 'The public key of WireGuard, base64.', maxLength: 44 }),
                ipsec: Type.String({
                  description: 'The public key of IPsec: SubjectPublicKeyInfo, base64.',
                  maxLength: 1024,
                }),
              },
              { description: 'Keys that the node has made, and that it goes over to when the other ends know them.' },
            ),
          ),
        },
        { description: 'Where the node is in changing its keys.' },
      ),
    ),
    nextHops: Type.Optional(
      Type.Array(nextHop, {
        description: 'The next hops of the routes, asked end to end through the tunnels.',
        maxItems: 20_000,
        listType: 'map',
        listMapKeys: ['address'],
      }),
    ),
  },
  { description: 'What is on the node; written by the agent on it only.' },
)

export type NodeConfigStatus = Static<typeof nodeConfigStatus>
export type NextHopStatus = Static<typeof nextHop>
export type UnderlayStatus = Static<typeof underlay>
