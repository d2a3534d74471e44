import { type Reach, reachOf } from './reach.ts'

const everywhere: Reach = reachOf([])

/** What each linked cluster reaches, as last looked at. */
export class Reaches {
  readonly #isThere: (cluster: string) => boolean
  readonly #by = new Map<string, Reach>()

  /** @param isThere whether there is a cluster of that name still; others are forgotten */
  constructor(isThere: (cluster: string) => boolean) {
    this.#isThere = isThere
  }

  /** Of a cluster whose agents have not been listened to: everything. */
  of(cluster: string): Reach {
    return this.#by.get(cluster) ?? everywhere
  }

  /** @returns whether it reaches other networks than before */
  set(cluster: string, reach: Reach): boolean {
    const { lost } = this.of(cluster)
    this.#by.set(cluster, reach)
    for (const known of this.#by.keys()) if (!this.#isThere(known)) this.#by.delete(known)
    return reach.lost !== lost
  }
}
