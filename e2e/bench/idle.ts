import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMs } from './process-usage.ts'

/** What a process costs while everything is there and nothing changes. */
export interface Idle {
  /** Of one core. */
  readonly cpuPercent: number
  /** By `<cluster> <verb>`; what was not sent is not in it. */
  readonly requestsPerSecond: Readonly<Record<string, number>>
}

/** `requests`: how many of each kind the process has sent by now. `seconds`: a heartbeat of the leaf comes every ten. */
export async function idle(
  pid: number,
  requests: () => Promise<ReadonlyMap<string, number>>,
  seconds = 30,
): Promise<Idle> {
  // What the last status patches have stirred up.
  await sleep(5_000)
  const before = { cpu: cpuMs(pid), sent: await requests() }
  await sleep(seconds * 1_000)
  const cpuPercent = (cpuMs(pid) - before.cpu) / (seconds * 10)
  const rates = [...(await requests())].map(([kind, sent]): [string, number] => [
    kind,
    (sent - (before.sent.get(kind) ?? 0)) / seconds,
  ])
  return { cpuPercent, requestsPerSecond: Object.fromEntries(rates.filter(([, rate]) => rate > 0)) }
}
