import type { NodeConfigSpec } from '@kosmos/api'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Report } from '../status/report.ts'
import type { Figures } from './figures.ts'
import { hopFigures } from './hops.ts'

/** What an agent is asked at a scrape. */
export interface Scraped {
  readonly spec: NodeConfigSpec
  readonly report: Report
  readonly figures: Figures
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number | undefined]

/** A metric whose samples are all taken at the scrape. */
interface Row {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: (scraped: Scraped) => readonly Sample[]
}

const directions = ['receive', 'transmit'] as const
const deviceCounts = {
  bytes: 'Bytes that a device of ours has carried.',
  packets: 'Packets that a device of ours has carried.',
  drops: 'Packets that a device of ours has dropped.',
  errors: 'Packets that a device of ours could not carry.',
} as const

const counters: readonly Row[] = [
  ...(Object.keys(deviceCounts) as (keyof typeof deviceCounts)[]).map(
    (kind): Row => ({
      name: `kosmos_link_device_${kind}_total`,
      help: deviceCounts[kind],
      labels: ['device', 'direction'],
      samples: ({ figures }) =>
        figures.devices.flatMap(({ device, counts }) =>
          directions.map((direction): Sample => [{ device, direction }, counts[direction][kind]]),
        ),
    }),
  ),
  {
    name: 'kosmos_link_tunnel_bytes_total',
    help: 'Bytes that came from or went to the other end of a tunnel, outer headers of VXLAN included.',
    labels: ['device', 'end', 'direction'],
    samples: ({ figures }) =>
      figures.tunnels.map(({ device, end, direction, bytes }) => [{ device, end, direction }, bytes]),
  },
  {
    name: 'kosmos_link_tunnel_packets_total',
    help: 'Packets that came from or went to the other end of a tunnel; WireGuard does not count them.',
    labels: ['device', 'end', 'direction'],
    samples: ({ figures }) =>
      figures.tunnels.map(({ device, end, direction, packets }) => [{ device, end, direction }, packets]),
  },
  {
    name: 'kosmos_link_firewall_dropped_packets_total',
    help: 'Packets that our table of nftables has dropped.',
    labels: ['reason'],
    samples: ({ figures }) => [...figures.drops].map(([reason, packets]) => [{ reason }, packets]),
  },
]

const gauges: readonly Row[] = [
  {
    name: 'kosmos_link_tunnel_handshake_timestamp_seconds',
    help: 'When keys were last agreed on with the other end of an encrypted tunnel, in seconds since 1970.',
    labels: ['device', 'end'],
    samples: ({ figures }) => figures.handshakes.map(({ device, end, at }) => [{ device, end }, at]),
  },
  {
    name: 'kosmos_link_next_hop_reachable',
    help: 'Whether a next hop answers through its tunnel (1) or not (0).',
    labels: ['device', 'end', 'next_hop'],
    samples: (scraped) =>
      hopSamples(scraped, ({ isReachable }) => (isReachable === undefined ? undefined : Number(isReachable))),
  },
  {
    name: 'kosmos_link_next_hop_round_trip_seconds',
    help: 'How long answers of a next hop took of late.',
    labels: ['device', 'end', 'next_hop'],
    samples: (scraped) => hopSamples(scraped, ({ roundTripSeconds }) => roundTripSeconds),
  },
  {
    name: 'kosmos_link_next_hop_loss_ratio',
    help: 'How many of the last fifty questions a next hop did not answer, of 1.',
    labels: ['device', 'end', 'next_hop'],
    samples: (scraped) => hopSamples(scraped, ({ lossRatio }) => lossRatio),
  },
  {
    name: 'kosmos_link_applied',
    help: 'Whether the node has what its NodeConfig says (1) or not (0), with the reason of the condition Applied.',
    labels: ['reason'],
    samples: ({ report: { applied } }) =>
      applied ? [[{ reason: applied.reason }, Number(applied.reason === 'Applied')]] : [],
  },
  {
    name: 'kosmos_link_figures_read',
    help: 'Whether the figures of a source could be read at this scrape (1) or not (0).',
    labels: ['source'],
    samples: ({ figures }) => [...figures.read].map(([source, isRead]) => [{ source }, Number(isRead)]),
  },
]

function hopSamples(
  { spec, report }: Scraped,
  figure: (hop: ReturnType<typeof hopFigures>[number]) => number | undefined,
): Sample[] {
  return hopFigures(spec, report).map((hop) => [
    { device: hop.device, end: hop.end, next_hop: hop.nextHop },
    figure(hop),
  ])
}

/** Registers what an agent tells Prometheus; nothing is read but at a scrape, and once for scrapes at the same time. */
export function registerLinkMetrics(registry: Registry, scrape: () => Promise<Scraped>): void {
  let running: Promise<Scraped> | undefined
  const scraped = () => {
    running ??= scrape().finally(() => {
      running = undefined
    })
    return running
  }
  for (const { samples, labels, ...row } of counters) {
    const counter: Counter = new Counter({
      ...row,
      labelNames: [...labels],
      registers: [registry],
      collect: async () => {
        const all = samples(await scraped())
        counter.reset()
        for (const [labels, value] of all) if (value !== undefined) counter.inc(labels, value)
      },
    })
  }
  for (const { samples, labels, ...row } of gauges) {
    const gauge: Gauge = new Gauge({
      ...row,
      labelNames: [...labels],
      registers: [registry],
      collect: async () => {
        const all = samples(await scraped())
        gauge.reset()
        for (const [labels, value] of all) if (value !== undefined) gauge.set(labels, value)
      },
    })
  }
}
