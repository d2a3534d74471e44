import { type Client, pods } from '@kosmos/kube'
import { downTestbed, type Progress, upTestbed } from '@kosmos/testbed'
import { insist } from '../insist.ts'
import { NAMESPACE, onCluster } from '../on-cluster.ts'
import { podOf } from '../pods/load.ts'
import { createDistributions, createPolicies, startScheduler } from './bench.ts'

/** What `npm run bench -- admission --json` prints: CPU of the API server for one pod, which other load on the machine changes little. */
export interface AdmissionResult {
  readonly count: number
  readonly rows: readonly {
    /** WorkloadPolicies in the namespace of the pods. */
    readonly policies: number
    /** DistributionPolicies there. */
    readonly distributions: number
    /** Milliseconds for a pod that none of them selects, the median of three rounds. */
    readonly notSelectedMs: number
    /** For a pod that one of each kind selects. */
    readonly selectedMs: number
  }[]
}

export interface AdmissionOptions {
  /** Pods in a round. */
  readonly count: number
  readonly progress: Progress
}

const STEPS = [
  { policies: 0, distributions: 0 },
  { policies: 10, distributions: 0 },
  { policies: 10, distributions: 10 },
  { policies: 100, distributions: 10 },
  { policies: 100, distributions: 100 },
]
const LANES = 4

/** Measures what the admission of pods costs the API server, by the number of policies that it asks. */
export async function benchAdmission({ count, progress }: AdmissionOptions): Promise<AdmissionResult> {
  const name = `admission-${process.pid}`
  const testbed = await upTestbed({ name, leaves: 0, rootNodes: 'kwok:1', endsWithProcess: true, progress })
  try {
    return await onCluster(testbed.root.kubeconfig, async (client) => {
      await startScheduler(testbed, client, progress)
      const rows: AdmissionResult['rows'][number][] = []
      let present = { policies: 0, distributions: 0 }
      for (const step of STEPS) {
        const { policies, distributions } = step
        await createDistributions(client, NAMESPACE, distributions - present.distributions, present.distributions)
        await createPolicies(client, NAMESPACE, policies - present.policies, present.policies)
        present = step
        const notSelectedMs = await cpuOf(client, 'none', count)
        const selectedMs = await cpuOf(client, '0', count)
        progress.step(
          `${policies} + ${distributions} policies: ${notSelectedMs.toFixed(1)} ms, selected ${selectedMs.toFixed(1)} ms`,
        )
        rows.push({ policies, distributions, notSelectedMs, selectedMs })
      }
      return { count, rows }
    })
  } finally {
    await downTestbed(name, progress)
  }
}

/** Milliseconds of CPU that the API server spends on a pod with this label `group`, without storing it. */
async function cpuOf(client: Client, group: string, count: number): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < 3; round++) {
    const before = await cpuSeconds(client)
    let next = 0
    const lane = async () => {
      while (next < count) {
        const pod = podOf(`dry-${next++}`, NAMESPACE) as { metadata: { labels: object } }
        const labelled = { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, group } } }
        await insist(() => client.create(pods, labelled, { dryRun: true }))
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    rounds.push((((await cpuSeconds(client)) - before) / count) * 1000)
  }
  return rounds.sort((a, b) => a - b)[1] ?? Number.NaN
}

async function cpuSeconds(client: Client): Promise<number> {
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(String(await client.raw('/metrics')))?.[1])
}

export function describeAdmission({ rows }: AdmissionResult): string {
  return rows
    .map(
      ({ policies, distributions, notSelectedMs, selectedMs }) =>
        `${String(policies).padStart(3)} WorkloadPolicies, ${String(distributions).padStart(3)} DistributionPolicies: ${notSelectedMs.toFixed(1)} ms of CPU a pod, ${selectedMs.toFixed(1)} ms one that is selected`,
    )
    .join('\n')
}
