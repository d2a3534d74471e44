import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Shell } from '../shell/shell.ts'
import { fpingArgv, fpingInput, parseAnswer } from './fping.ts'
import { createJudge, type Reachability } from './reachability.ts'
import type { Targets } from './targets.ts'

export interface Probes {
  /** Asks these from now on. */
  watch(targets: Targets): void
  suspect(address: string): void
  of(address: string): Reachability | undefined
}

export interface ProbesOptions {
  readonly shell: Shell
  readonly signal: AbortSignal
  readonly onChange: (addresses: readonly string[]) => void
}

const periods = { urgent: 150, others: 2_000 } as const
const restartMs = 1_000

/** Asks next hops through their tunnels; the kernel of the other side answers, whatever its agent does. */
export function startProbes(options: ProbesOptions): Probes {
  const lanes = {
    urgent: startLane(options, periods.urgent),
    others: startLane(options, periods.others),
  }
  const of = (address: string) => lanes.urgent.of(address) ?? lanes.others.of(address)
  return {
    watch: (targets) => {
      const moved = targets.urgent.filter((address) => of(address)?.isReachable === false)
      lanes.urgent.watch(targets.urgent)
      lanes.others.watch(targets.others)
      for (const address of moved) lanes.urgent.suspect(address)
    },
    suspect: (address) => lanes.urgent.suspect(address),
    of,
  }
}

/** One fping for all that are asked equally often. */
function startLane({ shell, signal, onChange }: ProbesOptions, periodMs: number) {
  const judge = createJudge()
  let addresses: readonly string[] = []
  let stop: AbortController | undefined

  const ask = async (asked: readonly string[], own: AbortController) => {
    const either = AbortSignal.any([signal, own.signal])
    const argv = fpingArgv(periodMs, asked.length + 1)
    const onLine = (line: string) => {
      const answer = either.aborted ? undefined : parseAnswer(line)
      const changed = answer ? judge.take(answer) : []
      if (changed.length > 0) onChange(changed)
    }
    while (!either.aborted) {
      judge.watch(asked, periodMs, Date.now())
      await shell.follow(argv, { stdin: fpingInput(asked), signal: either, onLine }).catch(() => {})
      await sleep(restartMs, undefined, { signal: either }).catch(() => {})
    }
  }

  return {
    of: judge.of,
    suspect: (address: string) => judge.suspect(address, Date.now()),
    watch: (next: readonly string[]) => {
      if (isDeepStrictEqual(next, addresses)) return
      addresses = next
      stop?.abort()
      stop = new AbortController()
      if (next.length > 0) void ask(next, stop)
      else judge.watch(next, periodMs, Date.now())
    },
  }
}
