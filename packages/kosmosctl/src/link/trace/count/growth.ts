import type { Stage } from './stages.ts'

/** What a node has counted meanwhile. */
export interface Growth {
  /** Packets, or bytes where packets are not counted; by {@link counterKey}. */
  readonly tunnels: ReadonlyMap<string, Amount>
  /** Packets that the table of nftables has dropped, by the reason. */
  readonly drops: ReadonlyMap<string, number>
}

export interface Amount {
  readonly unit: 'packets' | 'bytes'
  readonly count: number
}

export const counterKey = ({ device, end, direction }: Omit<Stage, 'place'>): string => `${device} ${end} ${direction}`

const line = /^(kosmos_link_\w+)\{([^}]*)\} (\S+)$/
const label = /(\w+)="([^"]*)"/g

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The difference of two readings of an agent's metrics, in Prometheus' text format. Pure. */
export function growthOf(before: readonly string[], after: readonly string[]): Growth {
  const known = new Map(before.flatMap(parsed).map((sample) => [keyOf(sample), sample.value]))
  const tunnels = new Map<string, Amount>()
  const drops = new Map<string, number>()
  for (const sample of after.flatMap(parsed)) {
    const { name, labels, value } = sample
    const grown = value - (known.get(keyOf(sample)) ?? 0)
    // A counter that is less than it was began anew.
    const count = grown < 0 ? value : grown
    if (name === 'kosmos_link_firewall_dropped_packets_total' && isWord(labels.reason)) drops.set(labels.reason, count)
    const unit = units[name]
    if (unit === undefined) continue
    const { device = '', end = '', direction } = labels
    const key = counterKey({ device, end, direction: direction === 'receive' ? 'receive' : 'transmit' })
    if (unit === 'packets' || !tunnels.has(key)) tunnels.set(key, { unit, count })
  }
  return { tunnels, drops }
}

/** What a node says goes to somebody's terminal. */
const isWord = (text: string | undefined): text is string => /^[a-z-]{1,40}$/.test(text ?? '')

const units: Readonly<Record<string, Amount['unit']>> = {
  kosmos_link_tunnel_packets_total: 'packets',
  kosmos_link_tunnel_bytes_total: 'bytes',
}

function parsed(text: string): Sample[] {
  const [, name, labels = '', value] = line.exec(text) ?? []
  if (name === undefined) return []
  const pairs = [...labels.matchAll(label)].map(([, key = '', value = '']) => [key, value])
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
}

const keyOf = ({ name, labels }: Sample): string => JSON.stringify([name, labels])
