import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { formatRange, nthSubrange, parseRange } from './ipv4.ts'

const run = promisify(execFile)

/** Simulated nodes of the same cluster hand out addresses from the beginning of the range. */
const lowerHalf = 128

/** The /24s of the upper half of a cluster's pod range (a /16), beginning at number `start` and on around. */
export function podRanges(clusterCidr: string, start: number): string[] {
  const range = parseRange(clusterCidr)
  return Array.from({ length: 128 }, (_, i) => formatRange(nthSubrange(range, 24, lowerHalf + ((start + i) % 128))))
}

export interface PodRoute {
  /** Pod range of the cluster. */
  readonly clusterCidr: string
  /** Address of the node, and the host's link to it. */
  readonly via: string
  readonly link: string
  /** Where to begin to look. */
  readonly start: number
}

/**
 * Gives a node its range of pods by routing it there, so that the host, and the API servers with their webhooks, reach
 * pods. Clusters of two test beds may have the same range: the kernel refuses a route that the other one has.
 * @throws when all are taken
 */
export async function claimPodRange({ clusterCidr, via, link, start }: PodRoute): Promise<string> {
  for (const range of podRanges(clusterCidr, start)) {
    try {
      await run('ip', ['route', 'add', range, 'via', via, 'dev', link])
      return range
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('File exists'))) throw error
    }
  }
  throw new Error(`no /24 of ${clusterCidr} is left for the pods of another node: see "ip route"`)
}
