import { handedOnTable, inwardTable, routingTable } from '../../model/names.ts'
import { tableName } from '../firewall/syntax.ts'
import { inwardPreference, rulePreference } from '../kernel/state.ts'

const ourWords: readonly string[] = [
  ...[routingTable, inwardTable, handedOnTable].map(String),
  ...[rulePreference, inwardPreference].map((preference) => `${preference}:`),
  tableName,
]

/** Whether the node forwards is nothing of ours, but we say so. */
const forwarding = /^inet6? all forwarding /

/** The kernel told more than the monitor had room for: anything may have happened. */
const overrun = /netlink|No buffer space/

/** Chains of others that have rules of ours, or need some: FORWARD of iptables, and base chains made by nft. */
const forwardChain = /^(add|insert|delete) (rule|chain) .*( FORWARD( |$)|hook forward )/

/** Whether a line of `ip -oneline monitor` or `nft monitor` is about something of ours. */
export function concernsUs(line: string, devices: ReadonlySet<string>): boolean {
  if (forwarding.test(line) || overrun.test(line) || forwardChain.test(line)) return true
  return line.split(/[\s@"]+/).some((word) => ourWords.includes(word) || devices.has(word.replace(/:$/, '')))
}

/** Whether a line may be about where the tunnels start from: a device, its addresses, or a way out. */
export function concernsUnderlay(line: string, devices: ReadonlySet<string>): boolean {
  if (concernsUs(line, devices)) return false
  const isNoise = / lladdr | (veth|cali|lxc)\w*@?|^(inet6?|multicast|local|broadcast) /.test(line)
  return !isNoise && (/^(Deleted )?\d+: \S+/.test(line) || /^(Deleted )?default /.test(line))
}
