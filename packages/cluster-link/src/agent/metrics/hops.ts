import type { NodeConfigSpec } from '@kosmos/api'
import { canonicalAddress } from '../net/cidr.ts'
import type { Report } from '../status/report.ts'

/** A next hop, by which tunnel it is asked, and what came of it. */
export interface HopFigures {
  readonly device: string
  readonly end: string
  readonly nextHop: string
  /** Undefined: not yet known. */
  readonly isReachable: boolean | undefined
  readonly roundTripSeconds: number | undefined
  readonly lossRatio: number | undefined
}

/** Which tunnel a next hop is behind follows from its neighbour entry and the forwarding entry of that. */
export function hopFigures({ arps = [], fdbs = [] }: NodeConfigSpec, { nextHops }: Pick<Report, 'nextHops'>) {
  const ends = new Map(fdbs.map(({ dev, mac, ip }) => [`${dev} ${mac}`, canonicalAddress(ip)]))
  const neighbours = new Map(
    arps.map(({ ip, dev, mac }) => [canonicalAddress(ip), { dev, end: ends.get(`${dev} ${mac}`) }]),
  )
  return nextHops.map(({ address, reachability }): HopFigures => {
    const { isReachable, roundTripMicroseconds, lossPercent } = reachability ?? {}
    return {
      device: neighbours.get(address)?.dev ?? '',
      end: neighbours.get(address)?.end ?? '',
      nextHop: address,
      isReachable,
      roundTripSeconds: roundTripMicroseconds === undefined ? undefined : roundTripMicroseconds / 1e6,
      lossRatio: lossPercent === undefined ? undefined : lossPercent / 100,
    }
  })
}
