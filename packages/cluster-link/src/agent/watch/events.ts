import { routingTable } from '../../model/names.ts'
import { tableName } from '../firewall/syntax.ts'
import { rulePreference } from '../kernel/state.ts'

const ourWords: readonly string[] = [`${routingTable}`, `${rulePreference}:`, tableName]

/** Whether the node forwards is nothing of ours, but we say so. */
const forwarding = /^inet6? all forwarding /

/** The kernel told more than the monitor had room for: anything may have happened. */
const overrun = /netlink|No buffer space/

/** Whether a line of `ip -oneline monitor` or `nft monitor` is about something of ours. */
export function concernsUs(line: string, devices: ReadonlySet<string>): boolean {
  if (forwarding.test(line) || overrun.test(line)) return true
  return line.split(/[\s@"]+/).some((word) => ourWords.includes(word) || devices.has(word.replace(/:$/, '')))
}

/** Whether a line may be about where the tunnels start from: a device, its addresses, or a way out. */
export function concernsUnderlay(line: string, devices: ReadonlySet<string>): boolean {
  if (concernsUs(line, devices)) return false
  const isNoise = / lladdr | (veth|cali|lxc)\w*@?|^(inet6?|multicast|local|broadcast) /.test(line)
  return !isNoise && (/^(Deleted )?\d+: \S+/.test(line) || /^(Deleted )?default /.test(line))
}
