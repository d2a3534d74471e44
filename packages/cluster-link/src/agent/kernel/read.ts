import { devices, handedOnTable, inwardTable, routingTable } from '../../model/names.ts'
import { tableName } from '../firewall/syntax.ts'
import { readConnections } from '../ipsec/charon.ts'
import type { Family } from '../net/cidr.ts'
import { CommandFailed, type Shell } from '../shell/shell.ts'
import { type ClosedChain, forwardKey } from './forward.ts'
import { parseFdbs, parseNeighbours } from './parse-entries.ts'
import { parseLinks } from './parse-links.ts'
import { parseRoutes, parseRules } from './parse-routes.ts'
import { parseWireGuard, type WireGuardDump } from './parse-wireguard.ts'
import { readForwardChains } from './read-forward.ts'
import { fdbKey, type KernelState, keyedBy, type Link, neighbourKey, type Route, routeKey } from './state.ts'

/** What a reading of the kernel says. */
export interface Observed {
  readonly state: KernelState
  readonly handshakes: WireGuardDump['handshakes']
  readonly hasIpv6: boolean
  /** Families that the node forwards. */
  readonly forwarding: ReadonlySet<Family>
  /** Chains of others that drop what they are not told to forward. */
  readonly closedChains: readonly ClosedChain[]
}

interface Netconf {
  readonly family: string
  readonly interface?: string
  readonly forwarding?: boolean
}

/** Reads what of ours the kernel has, and strongSwan; changes nothing. */
export async function readKernel(shell: Shell, stateDir: string): Promise<Observed> {
  const [addresses, netconf, routes, rules4, rules6, fdb, neigh, nft, chains, hasIpv6, ipsecs] = await Promise.all([
    json(shell, ['ip', '-json', '-details', 'address', 'show']),
    json(shell, ['ip', '-json', 'netconf', 'show']),
    readRoutes(shell),
    json(shell, ['ip', '-json', '-4', 'rule']),
    orWithout(json(shell, ['ip', '-json', '-6', 'rule']), []),
    json(shell, ['bridge', '-json', 'fdb']),
    json(shell, ['ip', '-json', 'neigh']),
    orWithout(shell.run(['nft', '-s', 'list', 'table', 'inet', tableName]), ''),
    readForwardChains(shell),
    speaksIpv6(shell),
    readConnections(stateDir),
  ])
  const links = parseLinks(addresses, netconf)
  const ours = new Set(links.map(({ name }) => name))
  const dump = await readWireGuard(shell, links)
  return {
    state: {
      links: keyedBy(links, ({ name }) => name),
      routes,
      rules: new Set([...parseRules(rules4, 4), ...parseRules(rules6, 6)]),
      fdbs: keyedBy(parseFdbs(fdb, ours), fdbKey),
      neighbours: keyedBy(parseNeighbours(neigh, ours), neighbourKey),
      wireGuards: keyedBy(dump.wireGuards, ({ dev }) => dev),
      // Without its device strongSwan is started anew.
      ipsecs: ours.has(devices.ipsec.name) ? new Map(ipsecs.map((name) => [name, { name }])) : new Map(),
      nft,
      forwards: keyedBy(
        chains.flatMap((chain) => chain.ours),
        forwardKey,
      ),
    },
    handshakes: dump.handshakes,
    hasIpv6,
    forwarding: new Set([...forwardingOf(netconf, 'inet', 4), ...forwardingOf(netconf, 'inet6', 6)]),
    closedChains: chains.flatMap(({ closed }) => closed ?? []),
  }
}

/** Our tables alone: what fail-over has to know. */
export async function readRoutes(shell: Shell): Promise<ReadonlyMap<string, Route>> {
  const show = async (family: Family, table: number) => {
    // A table that never had a route is not there.
    const shown = await orWithout(json(shell, ['ip', '-json', `-${family}`, 'route', 'show', 'table', `${table}`]), [])
    return parseRoutes(shown, family, table)
  }
  const tables = [routingTable, inwardTable, handedOnTable]
  const all = await Promise.all(tables.flatMap((table) => [show(4, table), show(6, table)]))
  return keyedBy(all.flat(), routeKey)
}

async function readWireGuard(shell: Shell, links: readonly Link[]): Promise<WireGuardDump> {
  const names = new Set(links.filter(({ kind }) => kind === 'wireguard' || kind === 'tun').map(({ name }) => name))
  if (names.size === 0) return { wireGuards: [], handshakes: [] }
  return parseWireGuard(await shell.run(['wg', 'show', 'all', 'dump']), names)
}

async function speaksIpv6(shell: Shell): Promise<boolean> {
  return (await orWithout(shell.run(['cat', '/proc/sys/net/ipv6/conf/default/disable_ipv6']), '1')).trim() === '0'
}

function forwardingOf(netconf: unknown, name: string, family: Family): Family[] {
  const isOn = (netconf as readonly Netconf[]).some(
    (conf) => conf.family === name && conf.interface === 'all' && conf.forwarding,
  )
  return isOn ? [family] : []
}

async function json(shell: Shell, argv: readonly string[]): Promise<unknown> {
  const shown = await shell.run(argv)
  // iproute2 prints nothing at all where a list is empty.
  return shown.trim() === '' ? [] : JSON.parse(shown)
}

/** For commands that fail when there is nothing to show. */
async function orWithout<T>(shown: Promise<T>, none: T): Promise<T> {
  return await shown.catch((error) => {
    if (error instanceof CommandFailed) return none
    throw error
  })
}
