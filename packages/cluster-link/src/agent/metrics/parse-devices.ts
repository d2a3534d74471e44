import { linkAlias } from '../kernel/state.ts'
import type { DeviceFigures } from './figures.ts'

interface Stats {
  readonly bytes: number
  readonly packets: number
  readonly errors: number
  readonly dropped: number
}

interface IpLink {
  readonly ifname: string
  readonly ifalias?: string
  readonly stats64?: { readonly rx: Stats; readonly tx: Stats }
}

/** Devices of ours. @param shown `ip -json -s link show` */
export function parseDevices(shown: unknown): DeviceFigures[] {
  return (shown as readonly IpLink[]).flatMap(({ ifname, ifalias, stats64 }) =>
    ifalias === linkAlias && stats64
      ? [{ device: ifname, counts: { receive: countsOf(stats64.rx), transmit: countsOf(stats64.tx) } }]
      : [],
  )
}

const countsOf = ({ bytes, packets, errors, dropped }: Stats) => ({ bytes, packets, errors, drops: dropped })
