import type { Direction } from '../firewall/counting.ts'

/** Why a packet was dropped by our table of nftables. */
export const dropReasons = ['unknown-peer', 'outside-tunnel', 'foreign-source', 'unencrypted'] as const
export type DropReason = (typeof dropReasons)[number]

/** What is asked for figures at a scrape. */
export const sources = ['devices', 'firewall', 'wireguard', 'ipsec'] as const
export type Source = (typeof sources)[number]

export interface DeviceFigures {
  readonly device: string
  readonly counts: Readonly<Record<Direction, Readonly<Record<'bytes' | 'packets' | 'drops' | 'errors', number>>>>
}

/** One way of one tunnel. */
export interface TunnelFigures {
  readonly device: string
  /** The address of the other end: on the underlay, or a secure one where the tunnel encrypts. */
  readonly end: string
  readonly direction: Direction
  readonly bytes: number
  /** WireGuard does not count them. */
  readonly packets?: number
}

export interface HandshakeFigures {
  readonly device: string
  readonly end: string
  /** Seconds since 1970. */
  readonly at: number
}

/** What the kernel and the programs of a node have counted. */
export interface Figures {
  readonly devices: readonly DeviceFigures[]
  readonly tunnels: readonly TunnelFigures[]
  readonly handshakes: readonly HandshakeFigures[]
  readonly drops: ReadonlyMap<DropReason, number>
  /** Whether those that there are could be read. */
  readonly read: ReadonlyMap<Source, boolean>
}
