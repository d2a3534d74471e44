import Type, { type Static } from 'typebox'
import { struct } from '../schema/build.ts'
import { timePattern } from '../schema/patterns.ts'

/** Interface names end at 15 characters: IFNAMSIZ of the kernel, with the zero. */
const deviceName = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 15, pattern: '^[!-.0-~]+$' })
const address = (description: string) => Type.String({ description, minLength: 2, maxLength: 45 })
const cidr = (description: string) => Type.String({ description, minLength: 3, maxLength: 49 })
const mac = (description: string) =>
  Type.String({ description, maxLength: 17, pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' })

/** What one node of a cluster of 5,000 nodes in P2P mode needs, with room. */
const maxEntries = 20_000

const listOf = <S extends ReturnType<typeof struct>>(items: S, description: string) =>
  Type.Optional(Type.Array(items, { description, maxItems: maxEntries, listType: 'atomic' }))

const device = struct(
  {
    type: Type.Enum(['vxlan', 'wireguard', 'ipsec'], { description: 'What kind of device it is.' }),
    name: deviceName('Its name.'),
    addr: Type.Optional(cidr('Its IPv4 address with the length of the prefix, such as 220.30.0.11/32.')),
    addr6: Type.Optional(cidr('Its IPv6 address with the length of the prefix.')),
    mac: Type.Optional(mac('Its hardware address; VXLAN only.')),
    bindDev: Type.Optional(deviceName('The device that its packets leave by; empty: the routing decides.')),
    local: Type.Optional(address('The address that its packets start from; VXLAN only.')),
    id: Type.Optional(
      Type.Integer({ description: 'The VXLAN network identifier.', format: 'int32', minimum: 0, maximum: 16_777_215 }),
    ),
    port: Type.Integer({ description: 'The UDP port.', format: 'int32', minimum: 1, maximum: 65_535 }),
    mtu: Type.Integer({ description: 'Its MTU, in bytes.', format: 'int32', minimum: 576, maximum: 65_535 }),
  },
  { description: 'A network device.' },
)

const route = struct(
  {
    cidr: cidr('Where to.'),
    gw: Type.Optional(address('The next hop; without one, the addresses are on the link itself.')),
    dev: deviceName('The device.'),
    metric: Type.Optional(
      Type.Integer({
        description:
          'Routes to one CIDR with the lowest metric share its traffic, those with a higher one stand by. Default: 0.',
        format: 'int32',
        minimum: 0,
        maximum: 255,
      }),
    ),
  },
  { description: 'A next hop to a network; several to the same network share the traffic.' },
)

const detour = struct(
  {
    gw: address('Its address on the device.'),
    dev: deviceName('The device.'),
    metric: Type.Optional(
      Type.Integer({
        description: 'Of those that answer, the one with the lowest metric takes the traffic. Default: 0.',
        format: 'int32',
        minimum: 0,
        maximum: 255,
      }),
    ),
    takesHandedOn: Type.Optional(
      Type.Boolean({
        description:
          'It comes after this node in the order of the gateways, and so takes what others have handed on to this node as well. Default: false.',
      }),
    ),
  },
  { description: 'Another gateway of the same cluster.' },
)

const fdb = struct(
  { ip: address('The address of the other end of the tunnel.'), mac: mac('Its MAC.'), dev: deviceName('The device.') },
  { description: 'An entry of the forwarding database: behind which tunnel a MAC is.' },
)

const arp = struct(
  { ip: address('The next hop.'), mac: mac('Its MAC.'), dev: deviceName('The device.') },
  { description: 'A permanent neighbour entry.' },
)

const wireGuardKey = (description: string) =>
  Type.String({ description, maxLength: 44, pattern: '^[A-Za-z0-9+/]{43}=$' })

const peer = struct(
  {
    dev: deviceName('The WireGuard device.'),
    publicKey: wireGuardKey('Its public key, base64.'),
    nextPublicKey: Type.Optional(wireGuardKey('The one that it goes over to; from then on that one counts.')),
    endpoint: Type.Optional(
      Type.String({
        description: 'Where it listens, such as 192.0.2.1:51872; without one, it has to call first.',
        maxLength: 64,
      }),
    ),
    allowedIPs: Type.Array(cidr('A CIDR.'), { description: 'The addresses behind it.', maxItems: 256 }),
    keepaliveSeconds: Type.Optional(
      Type.Integer({
        description: 'How often a packet keeps the mapping of a NAT in between alive.',
        format: 'int32',
        minimum: 1,
        maximum: 65_535,
      }),
    ),
  },
  { description: 'The other end of a WireGuard tunnel.' },
)

const ipsecKey = (description: string) =>
  Type.String({ description, maxLength: 1024, pattern: '^[A-Za-z0-9+/]+={0,2}$' })

const ipsecPeer = struct(
  {
    publicKey: ipsecKey('Its public key: SubjectPublicKeyInfo, base64.'),
    nextPublicKey: Type.Optional(ipsecKey('The one that it goes over to; until then both count.')),
    local: Type.Optional(address('The address of the node that the tunnel starts from; without one, any.')),
    remote: Type.Optional(address('Where it listens; without one, it has to call first.')),
    remotePort: Type.Optional(
      Type.Integer({
        description: 'The UDP port that it is reached at; default: that of the device.',
        format: 'int32',
        minimum: 1,
        maximum: 65_535,
      }),
    ),
    localSecure: address('The address of this end within the tunnel.'),
    remoteSecure: address('The address of its end within the tunnel.'),
  },
  { description: 'The other end of an IPsec tunnel.' },
)

const translation = struct(
  {
    local: cidr('The network in this cluster.'),
    global: cidr('What the others see instead; the same as local keeps sources as they are, against masquerading.'),
    kind: Type.Enum(['Pod', 'Service'], { description: 'Whose network it is.' }),
  },
  { description: 'A network of this cluster and how the other clusters see it, one to one.' },
)

const masquerade = struct(
  { source: cidr('Packets from there …'), dev: deviceName('… that leave by this device get its address.') },
  { description: 'Sources that are not known beyond a device.' },
)

const keys = struct(
  {
    requestedAt: Type.String({
      description: 'When they were asked for, by the clock of the root; it names them.',
      maxLength: 40,
      pattern: timePattern,
    }),
    use: Type.Optional(
      wireGuardKey('The new public key of WireGuard, once the other ends know it: go over to the new keys now.'),
    ),
  },
  { description: 'The keys that the node is to have. It makes them, and says their public halves.' },
)

export const nodeConfigSpec = struct(
  {
    nodeName: Type.String({ description: 'The node that it is for.', minLength: 1, maxLength: 253 }),
    autodetectionMethod: Type.Optional(
      Type.String({
        description:
          'How the node finds the address its tunnels start from: first-found, can-reach=ADDRESS, interface=REGEX or cidr=CIDR. Default: first-found.',
        maxLength: 253,
      }),
    ),
    keys: Type.Optional(keys),
    devices: listOf(device, 'The devices.'),
    routes: listOf(route, 'The routes, in a table of their own.'),
    inwardRoutes: listOf(
      route,
      'By which nodes of this cluster packets go on that come from other clusters; for no others, in another table.',
    ),
    detours: listOf(
      detour,
      'By which gateways of this cluster goes on what is for other clusters, while no next hop of its route answers.',
    ),
    fdbs: listOf(fdb, 'The forwarding databases of the VXLAN devices. Who is not in it is not listened to.'),
    arps: listOf(arp, 'The neighbours on the VXLAN devices.'),
    peers: listOf(peer, 'The other ends of the WireGuard tunnels.'),
    ipsecPeers: listOf(ipsecPeer, 'The other ends of the IPsec tunnels.'),
    translations: listOf(translation, 'How the networks of this cluster are seen from outside.'),
    nodeTranslations: listOf(
      translation,
      'How the pods of this node are seen, where gateways carry their packets: the node translates them itself.',
    ),
    masquerades: listOf(masquerade, 'Whose packets get the address of the device they leave by.'),
  },
  { description: 'What ClusterLink wants on a node. Written by its controller, applied by the agent on the node.' },
)

export type NodeConfigSpec = Static<typeof nodeConfigSpec>
export type LinkKeys = Static<typeof keys>
export type LinkDevice = Static<typeof device>
export type LinkRoute = Static<typeof route>
export type LinkDetour = Static<typeof detour>
export type LinkFdb = Static<typeof fdb>
export type LinkArp = Static<typeof arp>
export type LinkPeer = Static<typeof peer>
export type LinkIpsecPeer = Static<typeof ipsecPeer>
export type LinkTranslation = Static<typeof translation>
export type LinkMasquerade = Static<typeof masquerade>
