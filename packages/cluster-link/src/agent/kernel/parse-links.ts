import { devices } from '../../model/names.ts'
import { canonicalAddress, canonicalPrefix } from '../net/cidr.ts'
import { type Link, linkAlias } from './state.ts'

interface IpLink {
  readonly ifname: string
  readonly link?: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly address?: string
  readonly ifalias?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: {
      readonly id?: number
      readonly port?: number
      readonly local?: string
      readonly local6?: string
      readonly link?: string
    }
  }
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen: number }[]
}

interface IpNetconf {
  readonly family: string
  readonly interface?: string
  readonly rp_filter?: string
}

const kinds = { vxlan: 'vxlan', wireguard: 'wireguard', tun: 'tun', xfrm: 'xfrm' } as const

/**
 * Devices of ours.
 * @param shown `ip -json -details address show`
 * @param netconf `ip -json netconf show`
 */
export function parseLinks(shown: unknown, netconf: unknown): Link[] {
  const loose = new Set(
    (netconf as readonly IpNetconf[])
      .filter((conf) => conf.family === 'inet' && conf.rp_filter === 'loose')
      .map((conf) => conf.interface),
  )
  return (shown as readonly IpLink[]).filter(isOurs).map((link): Link => {
    const kind = kindOf(link)
    const { id = 0, port = 0, local, local6, link: bindDev } = link.linkinfo?.info_data ?? {}
    const from = local ?? local6
    return {
      name: link.ifname,
      kind,
      ...(kind === 'vxlan' && {
        vxlan: { id, port, ...(from && { local: canonicalAddress(from) }), ...(bindDev && { bindDev }) },
        mac: link.address ?? '',
      }),
      mtu: link.mtu,
      addresses: (link.addr_info ?? [])
        .filter(({ local }) => local !== undefined)
        .map(({ local, prefixlen }) => canonicalPrefix(`${local}/${prefixlen}`))
        .sort(),
      isUp: link.flags.includes('UP'),
      isMarked: link.ifalias === linkAlias,
      isLoose: loose.has(link.ifname),
    }
  })
}

function kindOf({ ifname, linkinfo }: IpLink): Link['kind'] {
  const kind = kinds[linkinfo?.info_kind as keyof typeof kinds]
  return kind === 'tun' && ifname === devices.ipsec.name ? 'libipsec' : kind
}

/**
 * By its mark; or by name and number, when an agent ended between making it and marking it. What strongSwan makes has a
 * name that a strongSwan of somebody else may give as well.
 */
function isOurs({ ifname, ifalias, linkinfo }: IpLink): boolean {
  if (!Object.hasOwn(kinds, linkinfo?.info_kind ?? '')) return false
  if (ifalias === linkAlias) return true
  return Object.values(devices).some(
    (device) =>
      device.name === ifname &&
      device !== devices.ipsec &&
      (!('id' in device) || device.id === linkinfo?.info_data?.id),
  )
}
