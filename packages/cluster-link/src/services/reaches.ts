import { type Reach, reachOf } from './reach.ts'

const everywhere: Reach = reachOf([])

/** What each linked cluster reaches, as last looked at. */
export class Reaches {
  readonly #by = new Map<string, Reach>()

  /** Of a cluster whose agents have not been listened to: everything. */
  of(cluster: string): Reach {
    return this.#by.get(cluster) ?? everywhere
  }

  /** @returns whether it reaches other networks than before */
  set(cluster: string, reach: Reach): boolean {
    const { lost } = this.of(cluster)
    this.#by.set(cluster, reach)
    return reach.lost !== lost
  }

  /** Forgets clusters that are there no longer. */
  keep(isThere: (cluster: string) => boolean): void {
    for (const cluster of this.#by.keys()) if (!isThere(cluster)) this.#by.delete(cluster)
  }
}
