import type { Testbed } from '@kosmos/testbed'
import { cpuMs } from '../process-usage.ts'

/** Where the work of one side went: CPU of every process of the test bed, and our requests, each per pod. */
export interface Where {
  /** By `<cluster>/<component>`, in milliseconds. */
  readonly cpuMsPerPod: Readonly<Record<string, number>>
  /** By `<cluster> <verb>`. */
  readonly requestsPerPod: Readonly<Record<string, number>>
}

export interface Snapshot {
  readonly cpu: ReadonlyMap<string, number>
  readonly requests: ReadonlyMap<string, number>
}

export async function snapshot(testbed: Testbed, metrics: string): Promise<Snapshot> {
  const cpu = new Map<string, number>()
  for (const { name, pids } of [testbed.root, ...testbed.leaves]) {
    for (const [component, pid] of Object.entries(pids())) cpu.set(`${name}/${component}`, cpuMs(pid))
  }
  return { cpu, requests: await requestsOf(metrics) }
}

/** How many requests our process has sent, by `<cluster> <verb>`. `metrics`: URL. */
export async function requestsOf(metrics: string): Promise<Map<string, number>> {
  return requestCounts(await (await fetch(metrics)).text())
}

export function between(before: Snapshot, after: Snapshot, pods: number): Where {
  const perPod = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) =>
    Object.fromEntries([...b].map(([key, value]) => [key, (value - (a.get(key) ?? 0)) / pods]))
  return { cpuMsPerPod: perPod(before.cpu, after.cpu), requestsPerPod: perPod(before.requests, after.requests) }
}

/** Sums `kosmos_api_requests_total` over status codes, from the text that Prometheus reads. */
export function requestCounts(exposition: string): Map<string, number> {
  const counts = new Map<string, number>()
  const sample = /^kosmos_api_requests_total\{cluster="([^"]*)",verb="([^"]*)",code="[^"]*"\} (\d+)$/gm
  for (const [, cluster, verb, value] of exposition.matchAll(sample)) {
    const key = `${cluster} ${verb}`
    counts.set(key, (counts.get(key) ?? 0) + Number(value))
  }
  return counts
}

/** LIST requests: there must be none once everything is in sync. */
export function lists({ requests }: Snapshot): number {
  return [...requests].reduce((sum, [key, value]) => (key.endsWith(' list') ? sum + value : sum), 0)
}
