import type { PodsRun } from './bench.ts'
import type { LoadResult } from './load.ts'

/** The result for a terminal. */
export function describePods({ result: { count, direct, tree, ratio }, where }: PodsRun): string {
  const row = (title: string, { podsPerSecond, p50Ms, p99Ms, deleteSeconds }: LoadResult) =>
    [
      title.padEnd(8),
      podsPerSecond.toFixed(1).padStart(8),
      p50Ms.toFixed(0).padStart(8),
      p99Ms.toFixed(0).padStart(8),
      deleteSeconds.toFixed(1).padStart(10),
    ].join('')
  return [
    `${count} pods     pods/s  p50 ms  p99 ms  delete s`,
    row('direct', direct),
    row('tree', tree),
    `ratio ${ratio.toFixed(2)}, ${tree.cpuMsPerPod.toFixed(1)} ms CPU a pod, peak RSS ${tree.peakRssMiB.toFixed(0)} MiB, ${tree.listsInSteadyState} lists`,
    `with all of them there ${tree.idleCpuPercent.toFixed(2)} % of a core over ${tree.rest.seconds} s, RSS ${tree.rest.rssMiB.toFixed(0)} MiB, ${tree.rest.configMaps} ConfigMaps; one pod at a time: copy ${tree.single.bindToCopyMs.toFixed(0)} ms after its binding, status ${tree.single.statusMs.toFixed(0)} ms after the leaf's`,
    '',
    'CPU ms a pod           direct    tree',
    ...Object.entries(where.tree.cpuMsPerPod).map(
      ([process, ms]) => `${process.padEnd(20)}${cell(where.direct.cpuMsPerPod[process])}${cell(ms)}`,
    ),
    '',
    'our requests a pod               tree',
    ...Object.entries(where.tree.requestsPerPod)
      .filter(([, requests]) => requests >= 0.01)
      .map(([kind, requests]) => `${kind.padEnd(28)}${cell(requests, 2)}`),
  ].join('\n')
}

const cell = (value = 0, digits = 1): string => value.toFixed(digits).padStart(9)
