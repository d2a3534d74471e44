import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import { devices } from '../model/names.ts'

/** An end of tunnels in a test; the number is in all of its addresses. */
export interface End {
  readonly number: number
  /** WireGuard, base64. */
  readonly publicKey?: string
  /** IPsec, base64. */
  readonly ipsecPublicKey?: string
}

export const macOf = ({ number }: End, kind = 0): string => `02:00:00:00:0${kind}:0${number}`
export const bridgeAddress = ({ number }: End): string => `220.0.2.${number}`
export const bridgeAddress6 = ({ number }: End): string => `fd22::${number}`
export const secureAddress = ({ number }: End): string => `221.0.2.${number}`
export const tunnelAddress = ({ number }: End): string => `240.0.2.${number}`
export const underlayAddress = ({ number }: End): string => `192.0.2.${number}`

export const bridgeDevice = (me: End): LinkDevice => ({
  type: 'vxlan',
  ...devices.bridge,
  addr: `${bridgeAddress(me)}/32`,
  addr6: `${bridgeAddress6(me)}/128`,
  mac: macOf(me),
  local: underlayAddress(me),
  mtu: 1450,
})

/** Clear text between `me` and the others; routes are the test's. */
export function plainSpec(me: End, others: readonly End[], parts: Partial<NodeConfigSpec> = {}): NodeConfigSpec {
  const dev = devices.bridge.name
  return {
    nodeName: `node-${me.number}`,
    devices: [bridgeDevice(me)],
    fdbs: others.map((other) => ({ ip: underlayAddress(other), mac: macOf(other), dev })),
    arps: others.flatMap((other) =>
      [bridgeAddress(other), bridgeAddress6(other)].map((ip) => ({ ip, mac: macOf(other), dev })),
    ),
    ...parts,
  }
}

/** Encrypted between `me` and the others; routes over vx-secure are the test's. */
export function secureSpec(me: End, others: readonly End[], parts: Partial<NodeConfigSpec> = {}): NodeConfigSpec {
  const { secure, wireGuard } = devices
  return {
    nodeName: `node-${me.number}`,
    devices: [
      {
        type: 'vxlan',
        ...secure,
        addr: `${secureAddress(me)}/32`,
        mac: macOf(me, 1),
        local: tunnelAddress(me),
        mtu: 1370,
      },
      { type: 'wireguard', ...wireGuard, addr: `${tunnelAddress(me)}/32`, mtu: 1420 },
    ],
    fdbs: others.map((other) => ({ ip: tunnelAddress(other), mac: macOf(other, 1), dev: secure.name })),
    arps: others.map((other) => ({ ip: secureAddress(other), mac: macOf(other, 1), dev: secure.name })),
    peers: others.map((other) => ({
      dev: wireGuard.name,
      publicKey: other.publicKey ?? '',
      endpoint: `${underlayAddress(other)}:${wireGuard.port}`,
      allowedIPs: [`${tunnelAddress(other)}/32`],
      keepaliveSeconds: 25,
    })),
    ...parts,
    routes: [
      ...others.map((other) => ({ cidr: `${tunnelAddress(other)}/32`, dev: wireGuard.name })),
      ...(parts.routes ?? []),
    ],
  }
}

/** The same within IPsec. */
export function ipsecSpec(me: End, others: readonly End[], parts: Partial<NodeConfigSpec> = {}): NodeConfigSpec {
  const { devices: [vxlan] = [], peers: _, routes = [], ...rest } = secureSpec(me, others, parts)
  const { ipsec, wireGuard } = devices
  return {
    ...rest,
    devices: [
      ...(vxlan ? [{ ...vxlan, mtu: 1350 }] : []),
      { type: 'ipsec', ...ipsec, addr: `${tunnelAddress(me)}/32`, mtu: 1400 },
    ],
    ipsecPeers: others.map((other) => ({
      publicKey: other.ipsecPublicKey ?? '',
      local: underlayAddress(me),
      remote: underlayAddress(other),
      localSecure: tunnelAddress(me),
      remoteSecure: tunnelAddress(other),
    })),
    routes: routes.map((route) => (route.dev === wireGuard.name ? { ...route, dev: ipsec.name } : route)),
  }
}
