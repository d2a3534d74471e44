/** Which Cluster stands for which leaf, by the leaf's id: one leaf joined twice would mirror its pods twice. */
export class LeafClaims {
  readonly #holders = new Map<string, string>()

  /** Takes the leaf for a Cluster; returns the Cluster that has it already, if another. */
  claim(leafId: string, cluster: string): string | undefined {
    const holder = this.#holders.get(leafId)
    if (holder !== undefined && holder !== cluster) return holder
    this.release(cluster)
    this.#holders.set(leafId, cluster)
    return undefined
  }

  release(cluster: string): void {
    for (const [leafId, holder] of this.#holders) if (holder === cluster) this.#holders.delete(leafId)
  }
}
