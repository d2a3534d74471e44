/**
 * Counters of machines that come and go, as one counter of their virtual node: it rises by what each of them has counted since
 * it was last seen, and by nothing when one joins, leaves or starts again. A plain sum would jump with what a machine has
 * counted in all its life, and a fall is read as a reset with everything that is left as new (`rate()` of Prometheus). Starts
 * at nothing, which is a reset as well.
 */
export class CounterSums {
  /** When it started. */
  readonly since: Date
  readonly #series = new Map<string, { round: number; total: number; seen: ReadonlyMap<string, number> }>()

  constructor(since = new Date()) {
    this.since = since
  }

  /**
   * @param round rises with each look at all machines; one that is not newer than the last changes nothing
   * @param values what each machine has counted, by its name
   */
  sum(series: string, round: number, values: ReadonlyMap<string, number>): number {
    const known = this.#series.get(series)
    if (known && round <= known.round) return known.total
    let total = known?.total ?? 0
    for (const [machine, value] of values) {
      const before = known?.seen.get(machine)
      if (before !== undefined && value > before) total += value - before
    }
    // A machine that is not seen is forgotten: what it counts while it is away would come in one moment.
    this.#series.set(series, { round, total, seen: values })
    return total
  }
}
