import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Journal } from '../../../processes/journal.ts'
import { enter, startAnchor } from '../anchor.ts'
import { shortHash, uplinkName } from '../naming.ts'
import { formatRange, nthAddress, nthSubrange, overlaps, parseRange, type Range } from './ipv4.ts'

const run = promisify(execFile)

/** The network that all nodes of a test bed stand in, and the host with them. */
export interface Underlay {
  /** The host's address in it: where the API servers are reached from nodes and pods. */
  readonly address: string
  /** The host's link into it. */
  readonly bridge: string
  /** As `172.28.7.0/24`. */
  readonly subnet: string
  /** Differs between test beds that run at the same time: the third number of its addresses. */
  readonly number: number
  /** A process in the namespace of the bridge itself; the nodes' links are its ports. */
  readonly switchPid: number
  /** An address for one more node; never the same twice. */
  nextAddress(): string
}

const pool = parseRange('172.28.0.0/16')
const firstNode = 10

export interface UnderlayInput {
  readonly journal: Journal
  /** The test bed's folder, absolute. */
  readonly dir: string
}

/**
 * Creates the bridge, in a namespace of its own so that no firewall of the host filters between nodes (bridge-nf-call),
 * and a link from the host to it. All of it ends with the process that it starts.
 * @throws when 172.28.0.0/16 has no free /24, or a command fails
 */
export async function prepareUnderlay({ journal, dir }: UnderlayInput): Promise<Underlay> {
  const folder = path.join(dir, 'underlay')
  mkdirSync(folder, { recursive: true })
  const anchor = await startAnchor(journal, {
    id: 'underlay/switch',
    namespaces: ['net'],
    setup: [
      'ip link set lo up',
      'ip link add bridge type bridge',
      'ip link set bridge up',
      // Per namespace; absent when the kernel has not loaded br_netfilter.
      'for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 > "$f"; done',
    ],
    readyFile: path.join(folder, 'ready'),
    log: path.join(folder, 'switch.log'),
  })
  const bridge = uplinkName(dir)
  journal.add({ kind: 'link', name: bridge })
  await run('ip', ['link', 'add', bridge, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', String(anchor.pid)])
  const [nsenter = '', ...args] = enter(anchor.pid, ['net'])
  await run(nsenter, [...args, 'ip', 'link', 'set', 'uplink', 'master', 'bridge', 'up'])
  const subnet = await takeSubnet(bridge, dir)
  const address = nthAddress(subnet, 1)
  // What arrives from nodes is for the host itself: clusters must not reach each other through it.
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/forwarding`, '0')
  let next = firstNode
  return {
    address,
    bridge,
    subnet: formatRange(subnet),
    number: (subnet.base >>> 8) & 255,
    switchPid: anchor.pid,
    nextAddress: () => nthAddress(subnet, next++),
  }
}

async function takeSubnet(link: string, dir: string): Promise<Range> {
  // Test beds that start at the same moment begin to look at different places, so they do not choose the same one.
  const subnet = freeSubnet(await rangesInUse(), Number.parseInt(shortHash(dir).slice(0, 2), 16))
  await run('ip', ['address', 'add', `${nthAddress(subnet, 1)}/${subnet.prefix}`, 'dev', link])
  await run('ip', ['link', 'set', link, 'up'])
  return subnet
}

async function rangesInUse(): Promise<Range[]> {
  const { stdout } = await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])
  const routes = JSON.parse(stdout) as { dst: string }[]
  return routes.filter((r) => r.dst !== 'default').map((r) => parseRange(r.dst))
}

/** The first /24 of 172.28.0.0/16, from number `start` on and around, that overlaps nothing in use. */
export function freeSubnet(inUse: readonly Range[], start: number): Range {
  const candidates = Array.from({ length: 256 }, (_, i) => nthSubrange(pool, 24, (start + i) % 256))
  const free = candidates.find((candidate) => !inUse.some((range) => overlaps(range, candidate)))
  if (!free) throw new Error(`${formatRange(pool)} has no free /24 for the nodes: see "ip route"`)
  return free
}
