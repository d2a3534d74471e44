/** What is known of one next hop. */
export interface Reachability {
  /** Undefined: not yet known. */
  readonly isReachable: boolean | undefined
  /** Milliseconds since 1970. */
  readonly since: number
  readonly lastProbe?: number
  readonly roundTripMicroseconds?: number
  readonly lossPercent?: number
}

/** An answer to a probe. */
export interface Answer {
  readonly address: string
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly roundTripMs: number
}

export interface Judge {
  /** Takes an answer; gives the addresses whose reachability changed. */
  take(answer: Answer): readonly string[]
  /** The addresses from now on; sequences start anew, and what is known stays. */
  watch(addresses: readonly string[], periodMs: number, now: number): void
  /** Takes an address for unreachable until it answers. */
  suspect(address: string, now: number): void
  of(address: string): Reachability | undefined
}

/** Always answers: its answers are the clock, so that a host that stood still takes nobody for dead. */
export const controlAddress = '127.0.0.1'

const lostToBeDown = 3
const answeredToBeUp = 2
const windowSize = 50
const leastPatienceMs = 150
/** How long an answer may take as long as nobody knows how long answers take. */
const firstPatienceMs = 1_000

interface Target {
  isReachable: boolean | undefined
  since: number
  lastProbe?: number
  roundTripMs?: number
  /** Positive: answered in a row; negative: lost in a row. */
  row: number
  /** Of late, oldest first. */
  window: boolean[]
  judged: number
  answered: Set<number>
}

/** Judges by answers alone: a probe is lost when later ones were sent for so long that its answer is overdue. */
export function createJudge(): Judge {
  const targets = new Map<string, Target>()
  let watched: readonly string[] = []
  let period = 1_000

  const target = (address: string, now: number): Target => {
    const known = targets.get(address)
    if (known) return known
    const created: Target = { isReachable: undefined, since: now, row: 0, window: [], judged: -1, answered: new Set() }
    targets.set(address, created)
    return created
  }

  return {
    take: ({ address, sequence, at, roundTripMs }) => {
      if (address === controlAddress) return watched.filter((other) => judge(target(other, at), sequence, period, at))
      const known = targets.get(address)
      if (!known) return []
      known.roundTripMs = smoothed(known.roundTripMs, roundTripMs)
      if (sequence > known.judged) known.answered.add(sequence)
      return []
    },
    watch: (addresses, periodMs, now) => {
      watched = addresses
      period = periodMs
      const kept = new Set(addresses)
      for (const address of targets.keys()) if (!kept.has(address)) targets.delete(address)
      for (const address of addresses) {
        const known = target(address, now)
        known.judged = -1
        known.answered.clear()
      }
    },
    suspect: (address, now) => {
      const known = target(address, now)
      if (known.isReachable !== false) Object.assign(known, { isReachable: false, since: now })
    },
    of: (address) => {
      const known = targets.get(address)
      return known && viewOf(known)
    },
  }
}

/** Judges the probes whose answers are due when the control has answered `sequence`; true when that changes anything. */
function judge(target: Target, sequence: number, periodMs: number, at: number): boolean {
  const patienceMs =
    target.roundTripMs === undefined ? firstPatienceMs : Math.max(leastPatienceMs, 2 * target.roundTripMs)
  const due = sequence - Math.max(1, Math.ceil(patienceMs / periodMs))
  const before = target.isReachable
  for (let probe = target.judged + 1; probe <= due; probe++) {
    const isAnswered = target.answered.delete(probe)
    target.judged = probe
    target.lastProbe = at
    target.window = [...target.window, isAnswered].slice(-windowSize)
    target.row = isAnswered ? Math.max(target.row, 0) + 1 : Math.min(target.row, 0) - 1
    // The first answer of somebody new is as good as two.
    if (target.row >= (before === undefined ? 1 : answeredToBeUp)) target.isReachable = true
    if (target.row <= -lostToBeDown) target.isReachable = false
  }
  if (target.isReachable === before) return false
  target.since = at
  return true
}

/** Follows longer round trips at once, since impatience would take a slow next hop for a dead one; shorter ones slowly. */
function smoothed(before: number | undefined, sample: number): number {
  return before === undefined || sample > 2 * before ? sample : before + (sample - before) / 8
}

function viewOf({ isReachable, since, lastProbe, roundTripMs, window }: Target): Reachability {
  const lost = window.filter((isAnswered) => !isAnswered).length
  return {
    isReachable,
    since,
    ...(lastProbe !== undefined && { lastProbe }),
    ...(roundTripMs !== undefined && { roundTripMicroseconds: Math.round(roundTripMs * 1000) }),
    ...(window.length > 0 && { lossPercent: Math.round((100 * lost) / window.length) }),
  }
}
