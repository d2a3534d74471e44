import { setTimeout as sleep } from 'node:timers/promises'
import { rootUidAnnotation } from '@kosmos/api'
import { type Client, Informer, type Pod, pods } from '@kosmos/kube'
import PQueue from 'p-queue'
import { podSpec } from '../platform/manifests.ts'
import { eventually, type Platform } from '../platform/platform.ts'
import { randomFrom } from '../platform/random.ts'

export interface RoundsOptions {
  readonly namespace: string
  /** Pods of the StatefulSet; all of them are deleted and made again at the same time. */
  readonly ordinals: number
  /** How often a pod is deleted, over all ordinals. */
  readonly rounds: number
  readonly seed: number
}

export interface RoundsReport {
  /** Statuses of a root pod that are of no copy of that pod, and root pods that have had two copies. */
  readonly faults: readonly string[]
  /** Incarnations of root pods that were seen, and those of them that had a status of the leaf. */
  readonly incarnations: number
  readonly reflected: number
  readonly seconds: number
}

const name = 'ordinals'

/** Deletes and re-creates the pods of a StatefulSet again and again, and waits until root and leaves agree. */
export async function ordinalRounds(platform: Platform, options: RoundsOptions): Promise<RoundsReport> {
  const { namespace, ordinals, rounds, seed } = options
  const { root, leaves, apply } = platform
  const started = performance.now()
  const stop = new AbortController()
  const incarnations = new Incarnations()
  const watched = [root, ...leaves].map((client) => {
    const informer = new Informer({ client, resource: pods, namespace, labelSelector: `app=${name}` })
    informer.subscribe(({ object }) => incarnations.see(client === root, object))
    return { informer, running: informer.run(stop.signal) }
  })
  await Promise.all(watched.map(({ informer }) => informer.synced))
  const [inRoot] = watched
  if (!inRoot) throw new Error('there is a root')
  await apply(statefulSetOf(namespace, ordinals))

  const names = Array.from({ length: ordinals }, (_, ordinal) => `${name}-${ordinal}`)
  const share = (ordinal: number) => Math.floor(rounds / ordinals) + (ordinal < rounds % ordinals ? 1 : 0)
  const requests = new PQueue({ concurrency: 50 })
  await Promise.all(
    names.map(async (pod, ordinal) => {
      const random = randomFrom(seed + ordinal)
      let gone: string | undefined
      for (let round = 0; round < share(ordinal); round++) {
        const current = await eventually(`${pod} is there again`, () => {
          const seen = inRoot.informer.get(`${namespace}/${pod}`)
          return seen && seen.metadata.uid !== gone && seen
        })
        // Some before they have a copy, some while it starts, most when it runs.
        await sleep(random.below(1_500))
        gone = current.metadata.uid
        const gracePeriodSeconds = random.below(3)
        await requests.add(() =>
          root.delete(pods, { namespace, name: pod }, { uid: current.metadata.uid, gracePeriodSeconds }),
        )
      }
    }),
  )
  let differences: readonly string[] = []
  await eventually('root and leaves agree', async () => {
    differences = await compare(root, leaves, namespace, ordinals)
    return differences.length === 0
  }).catch((error: Error) => {
    throw new Error(`seed ${seed}: root and leaves never agree:\n${differences.join('\n')}`, { cause: error })
  })
  // What watchers of the leaves have not heard yet is no fault.
  await eventually('nothing is foreign', () => incarnations.report().faults.length === 0).catch(() => {})
  stop.abort()
  await Promise.all(watched.map(({ running }) => running))
  return { ...incarnations.report(), seconds: (performance.now() - started) / 1_000 }
}

function statefulSetOf(namespace: string, replicas: number): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      serviceName: name,
      replicas,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec() },
    },
  }
}

/** What the leaves have said of each incarnation of a root pod, and what the root has shown of it. */
class Incarnations {
  readonly #names = new Map<string, string>()
  readonly #copies = new Map<string, Set<string>>()
  readonly #said = new Map<string, Set<string>>()
  readonly #shown = new Map<string, Set<string>>()

  see(inRoot: boolean, { metadata, status }: Pod): void {
    const uid = inRoot ? metadata.uid : metadata.annotations?.[rootUidAnnotation]
    if (uid === undefined) return
    if (inRoot) this.#names.set(uid, metadata.name)
    else add(this.#copies, uid, metadata.uid)
    // Only what the leaf decides: the root's own conditions are there before there is a copy.
    if (status?.podIP) add(inRoot ? this.#shown : this.#said, uid, `${status.podIP} ${status.startTime}`)
  }

  report(): Omit<RoundsReport, 'seconds'> {
    const faults = [...this.#names].flatMap(([uid, pod]) => {
      const said = this.#said.get(uid) ?? new Set()
      const foreign = [...(this.#shown.get(uid) ?? [])].filter((status) => !said.has(status))
      const copies = this.#copies.get(uid)?.size ?? 0
      return [
        ...foreign.map(
          (status) => `${pod} ${uid} shows ${status}, its copies said ${[...said].join(', ') || 'nothing'}`,
        ),
        ...(copies > 1 ? [`${pod} ${uid} has had ${copies} copies`] : []),
      ]
    })
    return { faults, incarnations: this.#names.size, reflected: this.#shown.size }
  }
}

function add(to: Map<string, Set<string>>, key: string, value: string): void {
  to.set(key, (to.get(key) ?? new Set()).add(value))
}

/** What root and leaves disagree on: nothing if each ordinal is Ready, with its one copy and that one's address. */
async function compare(
  root: Client,
  leaves: readonly Client[],
  namespace: string,
  ordinals: number,
): Promise<string[]> {
  const labelSelector = `app=${name}`
  const [wanted = [], ...copies] = await Promise.all(
    [root, ...leaves].map((client) => client.listAll(pods, { namespace, labelSelector })),
  )
  const byRootUid = new Map(copies.flat().map((copy) => [copy.metadata.annotations?.[rootUidAnnotation], copy]))
  const unsettled = wanted.filter(({ metadata, status }) => {
    const copy = byRootUid.get(metadata.uid)
    const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    return metadata.deletionTimestamp || !isReady || !status?.podIP || copy?.status?.podIP !== status.podIP
  })
  return [
    ...(wanted.length === ordinals && copies.flat().length === ordinals
      ? []
      : [`${wanted.length} pods of ${ordinals}, ${copies.flat().length} copies`]),
    ...unsettled.map(({ metadata, status }) => `${metadata.name}: ${status?.phase} ${status?.podIP}`),
  ]
}
