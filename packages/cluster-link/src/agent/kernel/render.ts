import { devices, handedOnMark, handedOnTable, inwardTable, routeProtocol, routingTable } from '../../model/names.ts'
import { tableName } from '../firewall/syntax.ts'
import { interfaceId } from '../ipsec/connection.ts'
import type { IpsecImplementation } from '../ipsec/implementation.ts'
import { familyOf } from '../net/cidr.ts'
import type { Command } from './command.ts'
import { acceptance, removal } from './render-forward.ts'
import {
  type Hop,
  inwardPreference,
  type Link,
  linkAlias,
  type Route,
  rulePreference,
  type WireGuard,
} from './state.ts'
import type { Step } from './step.ts'
import { sysctlFile } from './sysctl.ts'

/** What has to be done; a tunnel in user space and its keys take more than a command. */
export type Action =
  | { readonly run: Command }
  | { readonly startTunnel: string }
  | { readonly configure: WireGuard }
  | { readonly startIpsec: IpsecImplementation }
  | { readonly configureIpsec: Extract<Step, { do: 'ipsec.set' }> }
  | { readonly removeIpsec: true }

/** What the steps are for the programs that do them: neighbouring ones for one program are one call. */
export function render(steps: readonly Step[]): Action[] {
  const actions: Action[] = []
  for (const next of steps.flatMap(actionsOf)) {
    const last = actions.at(-1)
    if (last && 'run' in last && 'run' in next && isSameBatch(last.run, next.run))
      actions[actions.length - 1] = { run: { argv: last.run.argv, stdin: last.run.stdin + next.run.stdin } }
    else actions.push(next)
  }
  return actions
}

function isSameBatch(a: Command, b: Command): boolean {
  return a.argv.includes('-batch') && `${a.argv}` === `${b.argv}`
}

function actionsOf(step: Step): Action[] {
  if (step.do === 'wireguard.set') return [{ configure: step.wireGuard }]
  if (step.do === 'ipsec.set') return [{ configureIpsec: step }]
  // It ends with strongSwan, or is of no use without.
  if (step.do === 'link.delete' && step.name === devices.ipsec.name) return [{ removeIpsec: true }]
  return [...programOf(step), { run: commandOf(step) }]
}

/** A device in user space is made by what encrypts. */
function programOf(step: Step): Action[] {
  if (step.do !== 'link.add') return []
  if (step.link.kind === 'tun') return [{ startTunnel: step.link.name }]
  return step.link.kind === 'libipsec' ? [{ startIpsec: step.link.kind }] : []
}

const ip = (...lines: string[]): Command => ({ argv: ['ip', '-batch', '-'], stdin: text(lines) })
const bridge = (line: string): Command => ({ argv: ['bridge', '-batch', '-'], stdin: text([line]) })
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

function commandOf(step: Exclude<Step, { do: 'wireguard.set' | 'ipsec.set' }>): Command {
  switch (step.do) {
    case 'link.add':
      return ip(...additionLines(step.link))
    case 'link.delete':
      return ip(`link delete dev ${step.name}`)
    case 'link.set':
      return ip(...changeLines(step.name, step.change))
    case 'link.loosen':
      return { argv: ['tee', sysctlFile(`net/ipv4/conf/${step.name}/rp_filter`)], stdin: '2' }
    case 'address.add':
      return ip(`address add ${step.address} dev ${step.dev}${familyOf(step.address) === 6 ? ' nodad' : ''}`)
    case 'address.delete':
      return ip(`address delete ${step.address} dev ${step.dev}`)
    case 'rule.add':
    case 'rule.delete':
      return ruleCommand(step)
    case 'route.replace':
      return ip(routeLine(step.route))
    case 'route.delete':
      return ip(`route delete ${typeOf(step.route)}${step.route.cidr} table ${tableOf(step.route)}`)
    case 'fdb.replace':
    case 'fdb.delete': {
      const { mac, dev, ip: dst } = step.fdb
      return bridge(
        `fdb ${step.do.slice(4)} ${mac} dev ${dev} dst ${dst} self${step.do === 'fdb.replace' ? ' permanent' : ''}`,
      )
    }
    case 'neighbour.replace':
      return ip(
        `neigh replace ${step.neighbour.ip} lladdr ${step.neighbour.mac} dev ${step.neighbour.dev} nud permanent`,
      )
    case 'neighbour.delete':
      return ip(`neigh delete ${step.neighbour.ip} dev ${step.neighbour.dev}`)
    case 'nft.replace': {
      const away = `add table inet ${tableName}\ndelete table inet ${tableName}\n`
      return { argv: ['nft', '-f', '-'], stdin: `${away}${step.table}` }
    }
    case 'forward.accept':
      return acceptance(step.forward)
    case 'forward.forget':
      return removal(step.forward)
  }
}

function additionLines({ name, kind, mac, mtu, vxlan, isUp }: Link): string[] {
  const address = mac ? ` address ${mac}` : ''
  const marks = [`link set dev ${name} alias ${linkAlias}`, `link set dev ${name} addrgenmode none`]
  const up = isUp ? [`link set dev ${name} up`] : []
  // strongSwan has it up already, with an IPv6 address that goes when it is down.
  if (kind === 'libipsec') return [`link set dev ${name} down`, ...marks, `link set dev ${name} mtu ${mtu}`, ...up]
  if (kind === 'tun') return [...marks, `link set dev ${name} mtu ${mtu}`, ...up]
  if (kind === 'xfrm') {
    // It is over no device: policies say where packets go, and lo is always there.
    return [`link add name ${name} mtu ${mtu} type xfrm dev lo if_id ${interfaceId}`, ...marks, ...up]
  }
  if (!vxlan) return [`link add name ${name} mtu ${mtu} type wireguard`, ...marks, ...up]
  const { id, port, local, bindDev } = vxlan
  const from = `${local ? ` local ${local}` : ''}${bindDev ? ` dev ${bindDev}` : ''}`
  return [
    `link add name ${name}${address} mtu ${mtu} type vxlan id ${id}${from} dstport ${port} nolearning`,
    ...marks,
    ...up,
  ]
}

function changeLines(name: string, change: Extract<Step, { do: 'link.set' }>['change']): string[] {
  const words = [
    ...(change.isMarked ? [`alias ${linkAlias}`] : []),
    ...(change.mtu === undefined ? [] : [`mtu ${change.mtu}`]),
    ...(change.mac === undefined ? [] : [`address ${change.mac}`]),
    ...(change.isUp === undefined ? [] : [change.isUp ? 'up' : 'down']),
  ]
  return words.map((word) => `link set dev ${name} ${word}`)
}

function ruleCommand({ do: what, key }: Extract<Step, { key: string; do: `rule.${string}` }>): Command {
  const [family, dev, isHandedOn] = key.split(' ')
  const inward = isHandedOn
    ? `iif ${dev} fwmark ${handedOnMark}/${handedOnMark} lookup ${handedOnTable}`
    : `iif ${dev} lookup ${inwardTable}`
  const words = dev ? `pref ${inwardPreference} ${inward}` : `pref ${rulePreference} lookup ${routingTable}`
  return {
    argv: ['ip', `-${family}`, '-batch', '-'],
    stdin: `rule ${what.slice(5)} ${words} protocol ${routeProtocol}\n`,
  }
}

const tableOf = ({ isInward, isHandedOn }: Route): number =>
  isInward ? inwardTable : isHandedOn ? handedOnTable : routingTable
const typeOf = ({ hops }: Route): string => (hops.length === 0 ? 'unreachable ' : '')

function routeLine(route: Route): string {
  const { cidr, source, hops } = route
  const head = `route replace ${typeOf(route)}${cidr} proto ${routeProtocol} table ${tableOf(route)}${source ? ` src ${source}` : ''}`
  if (hops.length === 0) return head
  const [only] = hops
  if (hops.length === 1 && only) return `${head} ${hopWords(only)}`
  return [head, ...hops.map((hop) => `nexthop ${hopWords(hop)}`)].join(' ')
}

function hopWords({ gateway, dev }: Hop): string {
  return gateway ? `via ${gateway} dev ${dev} onlink` : `dev ${dev}`
}
