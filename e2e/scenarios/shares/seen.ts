import { type Client, Informer, type Pod, pods } from '@kosmos/kube'
import { maxOf, type PlannedWorkload } from './plan.ts'

/** What is looked at of a workload: its pods have its name as their label `app`. */
export type Seen = Pick<PlannedWorkload, 'name' | 'policy'>

/** Where the live pods of a workload are that are counted together. */
export interface SeenGroup {
  readonly pods: readonly Pod[]
  /** By cluster, of those with a place by the policy. */
  readonly placed: Readonly<Record<string, number>>
  /** By cluster, also of those that went there since they may go anywhere. */
  readonly at: Readonly<Record<string, number>>
  readonly waiting: number
}

/** Watches all pods of a namespace from the start, and checks the counts at every event. */
export class SeenShares {
  /** Where a maximum was exceeded, or a seat was taken twice, and when. */
  readonly faults: string[] = []
  events = 0
  readonly #informer: Informer<Pod, 'app'>
  readonly #workloads: ReadonlyMap<string, Seen>

  constructor(client: Client, namespace: string, workloads: readonly Seen[]) {
    this.#workloads = new Map(workloads.map((one) => [one.name, one]))
    this.#informer = new Informer({
      client,
      resource: pods,
      namespace,
      indexes: { app: ({ metadata }) => [metadata.labels?.app ?? ''] },
    })
    this.#informer.subscribe(({ object }) => {
      const workload = this.#workloads.get(object.metadata.labels?.app ?? '')
      if (workload) this.#check(workload)
    })
  }

  get synced(): Promise<void> {
    return this.#informer.synced
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal)
  }

  /** Pods that are not on their way out. */
  liveOf({ name }: Seen): Pod[] {
    return [...this.#informer.store.by('app', name)].filter(isLive)
  }

  /** Pods that have run to their end, well or not. */
  endedOf({ name }: Seen): Pod[] {
    return [...this.#informer.store.by('app', name)].filter(hasEnded)
  }

  groupsOf(workload: Seen): SeenGroup[] {
    const groups = new Map<string, Pod[]>()
    for (const pod of this.liveOf(workload)) {
      const owner = workload.policy.allocationScope === 'Revision' ? pod.metadata.ownerReferences?.[0]?.uid : undefined
      groups.set(owner ?? '', [...(groups.get(owner ?? '') ?? []), pod])
    }
    return [...groups.values()].map((pods) => ({
      pods,
      placed: counts(pods.flatMap((pod) => placeOf(workload, pod) ?? [])),
      at: counts(pods.flatMap((pod) => clusterOf(pod) ?? [])),
      waiting: pods.filter(isGated).length,
    }))
  }

  #check(workload: Seen): void {
    this.events++
    for (const { pods, placed } of this.groupsOf(workload)) {
      for (const share of workload.policy.allocationPolicy) {
        const count = placed[share.name] ?? 0
        if (count > maxOf(share)) this.#fault(`${workload.name}: ${count} at ${share.name}, at most ${maxOf(share)}`)
      }
      const seats = pods.flatMap((pod) => {
        const place = placeOf(workload, pod)
        const seat = pod.metadata.annotations?.['kosmos.io/seat']
        return place && seat ? [`${place} ${seat}`] : []
      })
      if (new Set(seats).size < seats.length) this.#fault(`${workload.name}: a seat is taken twice`)
    }
  }

  #fault(what: string): void {
    this.faults.push(`${new Date().toISOString()} ${what}`)
  }
}

export const isGated = ({ spec }: Pod): boolean =>
  spec.schedulingGates?.some(({ name }) => name === 'kosmos.io/placement') ?? false

const isLive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && !isOver(pod)
const hasEnded = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && isOver(pod)
const isOver = ({ status }: Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded'

/** The cluster that the policy gave to a pod; what it lets go anywhere has none. */
function placeOf({ policy }: Seen, pod: Pod): string | undefined {
  const hasSeat = pod.metadata.annotations?.['kosmos.io/seat'] !== undefined
  if (isGated(pod) || !(hasSeat || policy.allocationType === 'Required')) return undefined
  return pod.spec.nodeSelector?.['kosmos.io/cluster']
}

const clusterOf = ({ spec }: Pod): string | undefined =>
  spec.nodeName?.replace('kosmos-', '') ?? spec.nodeSelector?.['kosmos.io/cluster']

function counts(values: readonly string[]): Record<string, number> {
  const all: Record<string, number> = {}
  for (const value of values) all[value] = (all[value] ?? 0) + 1
  return all
}
