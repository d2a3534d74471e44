import Type, { type Static, type TSchemaOptions } from 'typebox'
import { mapOf, ruleFor, struct } from '../schema/build.ts'
import { parseCidr } from '../schema/cidr.ts'
import { endpointPattern, parseEndpoint } from '../schema/endpoint.ts'
import { hoursPattern } from '../schema/patterns.ts'

const cidrMaxLength = 64

const vxlanCidrs = (use: string, ip: string, ip6: string, options: TSchemaOptions = {}) =>
  struct(
    {
      ip: Type.String({ description: 'The IPv4 network; empty for none.', default: ip, maxLength: cidrMaxLength }),
      ip6: Type.String({ description: 'The IPv6 network; empty for none.', default: ip6, maxLength: cidrMaxLength }),
    },
    {
      description: `The networks that ${use} addresses are taken from. They must be free in every joined cluster.`,
      default: { ip, ip6 },
      ...options,
      rules: [
        ruleFor<{ ip: string }>({
          cel: "self.ip == '' || (isCIDR(self.ip) && cidr(self.ip).ip().family() == 4)",
          message: 'ip must be an IPv4 network such as 210.0.0.0/8, or empty',
          check: ({ ip }) => ip === '' || parseCidr(ip)?.family === 4,
        }),
        ruleFor<{ ip6: string }>({
          cel: "self.ip6 == '' || (isCIDR(self.ip6) && cidr(self.ip6).ip().family() == 6)",
          message: 'ip6 must be an IPv6 network such as 9480::/16, or empty',
          check: ({ ip6 }) => ip6 === '' || parseCidr(ip6)?.family === 6,
        }),
      ],
    },
  )

const network = () =>
  Type.String({
    description: 'A CIDR.',
    maxLength: cidrMaxLength,
    rules: [
      ruleFor<string>({
        cel: 'isCIDR(self)',
        message: 'must be a CIDR such as 10.1.0.0/16',
        check: (self) => parseCidr(self) !== undefined,
      }),
    ],
  })

const nicNodeNames = struct(
  {
    interfaceName: Type.String({ description: 'The network interface.', minLength: 1, maxLength: 127 }),
    nodeName: Type.Array(Type.String({ description: 'The name of a node.', maxLength: 253 }), {
      description: 'The nodes that use it.',
      maxItems: 1000,
    }),
  },
  { description: 'One interface and the nodes that use it.' },
)

const autodetection = /^(first-found|(can-reach|interface|cidr)=[!-~]+)$/

export const clusterLinkOptions = struct(
  {
    enable: Type.Boolean({ description: 'Whether the cluster takes part in ClusterLink.', default: true }),
    cni: Type.String({
      description:
        'The network plug-in of the cluster: calico, cilium or flannel. Where objects of several are found, those of this one count.',
      default: 'calico',
      maxLength: 63,
    }),
    networkType: Type.Enum(['p2p', 'gateway'], {
      description: 'p2p: every node reaches the other clusters by itself. gateway: through gateway nodes.',
      default: 'p2p',
    }),
    ipFamily: Type.Enum(['all', 'ipv4', 'ipv6'], {
      description: 'The address families that are connected; all means both.',
      default: 'all',
    }),
    tunnel: Type.Optional(
      Type.Enum(['vxlan', 'wireguard', 'ipsec'], {
        description:
          'What the tunnels to other clusters are: wireguard and ipsec are encrypted, vxlan is clear text. Where two clusters differ, the encrypted one is taken; of two encrypted ones, that of the cluster whose name comes first. Default: wireguard if networkType is gateway, else vxlan.',
      }),
    ),
    useIPPool: Type.Boolean({
      description: "Whether Calico IPPools are made for the other clusters' networks, so that Calico does not SNAT.",
      default: false,
    }),
    localCIDRs: vxlanCidrs('vx-local (between the nodes of the cluster)', '210.0.0.0/8', '9480::/16'),
    bridgeCIDRs: vxlanCidrs('vx-bridge (between clusters)', '220.0.0.0/8', '9470::/16'),
    nicNodeNames: Type.Optional(
      Type.Array(nicNodeNames, {
        description: 'Nodes whose tunnels use another interface than defaultNICName.',
        maxItems: 256,
      }),
    ),
    defaultNICName: Type.String({
      description: 'The interface that tunnels use; * means the one with the default route.',
      default: '*',
      maxLength: 253,
    }),
    endpoints: Type.Optional(
      mapOf(
        Type.String({
          description: 'ADDRESS or ADDRESS:PORT, an address of IPv6 in brackets.',
          maxLength: 64,
          rules: [
            ruleFor<string>({
              cel: `self.matches('${endpointPattern.replaceAll('\\', '\\\\')}') && isIP(self.startsWith('[') ? self.split(']')[0].substring(1) : self.split(':')[0])`,
              message: 'must be an address, with a port or without, such as 203.0.113.7:51872 or [2001:db8::7]:51872',
              check: (self) => parseEndpoint(self) !== undefined,
            }),
          ],
        }),
        {
          description:
            'For encrypted tunnels to nodes behind a NAT, from the name of a node to where other clusters reach it (a 1:1 NAT, a forwarded UDP port). Default: at the address that the node has, and the port of its tunnels, 51872 with wireguard and 51873 with ipsec.',
          maxProperties: 64,
        },
      ),
    ),
    globalCIDRsMap: Type.Optional(
      mapOf(Type.String({ description: 'The network that others see instead.', maxLength: cidrMaxLength }), {
        description:
          'For clusters whose networks overlap: from a pod or service CIDR of this cluster to the CIDR under which the other clusters know it. Addresses are mapped one to one.',
        maxProperties: 64,
        rules: [
          ruleFor<Record<string, string>>({
            cel: 'self.all(from, isCIDR(from) && isCIDR(self[from]) && cidr(from).ip().family() == cidr(self[from]).ip().family() && cidr(from).prefixLength() == cidr(self[from]).prefixLength())',
            message: 'each entry must map a CIDR to a CIDR of the same family and prefix length',
            check: (self) =>
              Object.entries(self).every(([from, to]) => {
                const [a, b] = [parseCidr(from), parseCidr(to)]
                return a !== undefined && a.family === b?.family && a.prefixLength === b.prefixLength
              }),
          }),
        ],
      }),
    ),
    podCIDRs: Type.Optional(
      Type.Array(network(), {
        description: 'The networks of the pods. Default: what is found out from the network plug-in and the nodes.',
        maxItems: 64,
        listType: 'atomic',
      }),
    ),
    serviceCIDRs: Type.Optional(
      Type.Array(network(), {
        description:
          'The networks of the Services. Default: what the ServiceCIDR objects of the cluster say, else kubeadm.',
        maxItems: 64,
        listType: 'atomic',
      }),
    ),
    keyRotation: Type.Optional(
      Type.String({
        description:
          'How old the keys of encrypted tunnels may become, in hours such as 720h, before the nodes get new ones, one node after the other. Default: they are kept.',
        maxLength: 6,
        pattern: hoursPattern,
      }),
    ),
    autodetectionMethod: Type.Optional(
      Type.String({
        description:
          'How a node finds the address its tunnels start from: first-found, can-reach=ADDRESS, interface=REGEX or cidr=CIDR.',
        maxLength: 253,
        rules: [
          ruleFor<string>({
            cel: "self == '' || self.matches('^(first-found|(can-reach|interface|cidr)=[!-~]+)$')",
            message: 'must be first-found, can-reach=ADDRESS, interface=REGEX or cidr=CIDR',
            check: (self) => self === '' || autodetection.test(self),
          }),
        ],
      }),
    ),
  },
  { description: 'ClusterLink: whether and how the pods of the cluster are connected with those of other clusters.' },
)

export type ClusterLinkOptions = Static<typeof clusterLinkOptions>
