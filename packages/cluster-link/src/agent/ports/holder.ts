import { CommandFailed, type Shell, ToolMissing } from '../shell/shell.ts'

/** Another device that listens on a UDP port of ours. */
interface PortUser {
  readonly device: string
  readonly port: number
}

interface IpLink {
  readonly ifname: string
  readonly linkinfo?: { readonly info_data?: { readonly port?: number } }
}

/** Devices by their ports. @param shown `ip -json -details link show type vxlan` */
export function parseVxlanPorts(shown: string): PortUser[] {
  const links = shown.trim() === '' ? [] : (JSON.parse(shown) as readonly IpLink[])
  return links.flatMap(({ ifname, linkinfo }) => {
    const port = linkinfo?.info_data?.port
    return port === undefined ? [] : [{ device: ifname, port }]
  })
}

/** Devices by their ports. @param shown `wg show all listen-port` */
export function parseWireGuardPorts(shown: string): PortUser[] {
  return shown.split('\n').flatMap((line) => {
    const [device, port] = line.split('\t')
    return device && port ? [{ device, port: Number(port) }] : []
  })
}

/** Ports on which somebody listens, whoever. @param sockets `/proc/net/udp` or `/proc/net/udp6`, proc(5) */
export function parseUdpPorts(sockets: string): Set<number> {
  const local = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /
  const ports = sockets.split('\n').flatMap((line) => local.exec(line)?.[1] ?? [])
  return new Set(ports.map((hex) => Number.parseInt(hex, 16)))
}

/** Whether anybody listens on a UDP port of the node. */
export async function isBound(shell: Shell, port: number): Promise<boolean> {
  // A kernel without IPv6 has one of them only.
  const sockets = await shell.run(['sh', '-c', 'cat /proc/net/udp /proc/net/udp6 2>/dev/null || true'])
  return parseUdpPorts(sockets).has(port)
}

/** VXLAN devices of the node, whoever made them. */
export async function vxlanUsers(shell: Shell): Promise<PortUser[]> {
  return parseVxlanPorts(await shell.run(['ip', '-json', '-details', 'link', 'show', 'type', 'vxlan']).catch(orNothing))
}

/** Who else listens on a UDP port, in words. Programs are in other PID namespaces, so that they have no names here. */
export async function holderOf(shell: Shell, device: string, port: number): Promise<string> {
  const users = [
    ...(await vxlanUsers(shell)),
    ...parseWireGuardPorts(await shell.run(['wg', 'show', 'all', 'listen-port']).catch(orNothing)),
  ]
  const other = users.find((one) => one.port === port && one.device !== device)
  return other ? `the device ${other.device}` : `a program; ss -ulpn sport = :${port} on the node names it`
}

function orNothing(error: unknown): string {
  if (error instanceof CommandFailed || error instanceof ToolMissing) return ''
  throw error
}
