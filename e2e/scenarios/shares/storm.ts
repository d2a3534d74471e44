import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ApiError, type Pod, pods, resource } from '@kosmos/kube'
import PQueue from 'p-queue'
import { eventually, type Platform } from '../../platform/platform.ts'
import { type Random, randomFrom } from '../../platform/random.ts'
import { allotted, deploymentManifest, type PlannedWorkload, plan, podManifest, policyManifest } from './plan.ts'
import { isGated, type SeenGroup, SeenShares } from './seen.ts'

export interface StormOptions {
  readonly namespace: string
  readonly clusters: readonly string[]
  readonly pods: number
  readonly seed: number
  /** What happens while the pods come, in this order. */
  readonly disruptions: readonly (() => Promise<void>)[]
}

export interface StormReport {
  /** Exceeded maxima and seats that were taken twice, at whatever instant. */
  readonly faults: readonly string[]
  /** Why it is not at rest as it should be; empty when it is. */
  readonly wrong: readonly string[]
  readonly events: number
  /** Workloads whose counts are what the policy says, and those of which their status says why they are not. */
  readonly exact: number
  readonly explained: readonly string[]
  readonly seconds: number
  /** Of these, after the last pod was created and the last disruption over. */
  readonly secondsToRest: number
}

const workloadPolicies = resource('kosmos.io/v1alpha1', 'WorkloadPolicy', 'workloadpolicies', 'Namespaced')
const deployments = resource('apps/v1', 'Deployment', 'deployments', 'Namespaced')
const IN_FLIGHT = 50

/** Creates pods under random policies all at once, deletes and rolls out some of them while disruptions happen, and waits for rest. */
export async function storm(platform: Platform, options: StormOptions): Promise<StormReport> {
  const { namespace, clusters, seed, disruptions } = options
  const { root, apply } = platform
  const random = randomFrom(seed)
  const workloads = plan(random, clusters, options.pods)
  const seen = new SeenShares(root, namespace, workloads)
  const stop = new AbortController()
  const watching = seen.run(stop.signal)
  await seen.synced
  await apply(...workloads.map((one) => policyManifest(one, namespace)))
  await Promise.all(workloads.map((one) => countsAtAdmission(root, namespace, one)))
  const start = performance.now()
  const requests = new PQueue({ concurrency: IN_FLIGHT })
  const bare = workloads.filter(({ kind }) => kind === 'Pod')
  const own = workloads.filter(({ kind }) => kind === 'Deployment')
  const numbers = new Map(bare.map(({ name, pods }) => [name, pods]))
  const create = async (workload: PlannedWorkload, number: number) => {
    const outcome = await persistently(() => root.create(pods, podManifest(workload, namespace, number) as Pod))
    // An answer may have been lost.
    if (outcome.ok || outcome.reason === 'AlreadyExists') return
    throw new Error(`${workload.name}-${number}: ${outcome.status.message}`)
  }
  const longest = Math.max(...bare.map((one) => one.pods))
  const creations = Array.from({ length: longest }, (_, number) =>
    bare.flatMap((one) => (number < one.pods ? [requests.add(() => create(one, number))] : [])),
  )
  const created = Promise.all(creations.flat())
  // Heard of below; until then it is no rejection that nobody handles, which would end the test without tearing down.
  created.catch(() => undefined)
  await apply(...own.map((one) => deploymentManifest(one, namespace)))
  const churning = new AbortController()
  const churn = churnShares({ platform, random, namespace, bare, own, numbers, create, seen }, churning.signal)
  churn.catch(() => undefined)
  for (const disruption of disruptions) {
    await disruption()
    await sleep(random.below(3_000))
  }
  await created
  churning.abort()
  await churn
  const calm = performance.now()
  const rest = await atRest(platform, namespace, workloads, seen)
  stop.abort()
  await watching
  const { faults, events } = seen
  const secondsSince = (time: number) => Math.round((performance.now() - time) / 1000)
  return { ...rest, faults, events, seconds: secondsSince(start), secondsToRest: secondsSince(calm) }
}

/** The API server hears of a policy a moment after it is stored, and lets pods through until then. */
async function countsAtAdmission(root: Platform['root'], namespace: string, workload: PlannedWorkload): Promise<void> {
  const { name, kind } = workload
  const manifest = podManifest(workload, namespace, 0) as Pod
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-0`, uid: 'none', controller: true }
  const ofReplicaSet = { labels: { app: name, 'pod-template-hash': '0' }, ownerReferences: [owner] }
  const metadata = { ...manifest.metadata, ...(kind === 'Deployment' && ofReplicaSet) }
  await eventually(`pods of ${name} are held`, async () => {
    const tried = await root.create<Pod>(pods, { ...manifest, metadata }, { dryRun: true })
    return tried.ok && isGated(tried.object)
  })
}

/** An API server that has too much to do answers 429 or 504: what is asked for is asked again, as any controller does. */
async function persistently<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof ApiError && [429, 500, 503, 504].includes(error.code))) throw error
      await sleep(1_000)
    }
  }
}

interface Churn {
  readonly platform: Platform
  readonly random: Random
  readonly namespace: string
  readonly bare: readonly PlannedWorkload[]
  readonly own: readonly PlannedWorkload[]
  /** The number of the next pod of bare ones. */
  readonly numbers: Map<string, number>
  readonly create: (workload: PlannedWorkload, number: number) => Promise<void>
  readonly seen: SeenShares
}

/** Pods are deleted and made anew, Deployments are rolled out and scaled, until it is enough. */
async function churnShares(
  { platform, random, namespace, bare, own, numbers, create, seen }: Churn,
  signal: AbortSignal,
) {
  const { root } = platform
  const one = <T>(all: readonly T[]): T | undefined => all[random.below(all.length)]
  for (let round = 0; !signal.aborted; round++) {
    for (const workload of [one(bare), one(own)]) {
      const victim = workload && one(seen.liveOf(workload))
      if (!victim) continue
      const { name, uid } = victim.metadata
      const gracePeriodSeconds = random.below(2)
      const outcome = await persistently(() => root.delete(pods, { namespace, name }, { uid, gracePeriodSeconds }))
      if (!outcome.ok || workload.kind !== 'Pod') continue
      // The next one has another name, as a controller would give it, and comes later.
      const number = numbers.get(workload.name) ?? 0
      numbers.set(workload.name, number + 1)
      await create(workload, number)
    }
    const chosen = one(own)
    if (round % 6 === 5 && chosen) {
      const annotations = { round: String(round) }
      const template = { spec: { template: { metadata: { annotations } } } }
      const replicas = { spec: { replicas: chosen.pods - random.below(Math.ceil(chosen.pods / 4)) } }
      const patch = random.below(2) === 0 ? template : replicas
      await persistently(() => root.patch(deployments, { namespace, name: chosen.name }, patch, { type: 'merge' }))
    }
    await sleep(250)
  }
}

/** So long nothing is better than before until it is called at rest. */
const PATIENCE_MS = 90_000

async function atRest(platform: Platform, namespace: string, workloads: readonly PlannedWorkload[], seen: SeenShares) {
  let [best, since] = [Number.POSITIVE_INFINITY, performance.now()]
  let lastEvents = -1
  for (;;) {
    const verdicts = await Promise.all(workloads.map((one) => verdict(platform, namespace, one, seen)))
    const wrong = verdicts.flatMap((one) => (one.kind === 'wrong' ? [one.why] : []))
    if (wrong.length < best || seen.events !== lastEvents) since = performance.now()
    ;[best, lastEvents] = [Math.min(best, wrong.length), seen.events]
    if (wrong.length === 0 || performance.now() - since > PATIENCE_MS) {
      const explained = verdicts.flatMap((one) => (one.kind === 'explained' ? [one.why] : []))
      return { wrong, explained, exact: verdicts.filter(({ kind }) => kind === 'exact').length }
    }
    await sleep(500)
  }
}

type Verdict = { readonly kind: 'exact' } | { readonly kind: 'explained' | 'wrong'; readonly why: string }

async function verdict(
  { root }: Platform,
  namespace: string,
  workload: PlannedWorkload,
  seen: SeenShares,
): Promise<Verdict> {
  const { name, kind, policy } = workload
  const wrong = (why: string): Verdict => ({ kind: 'wrong', why: `${name}: ${why}` })
  const groups = seen.groupsOf(workload)
  const live = groups.flatMap((group) => group.pods)
  const wanted = kind === 'Pod' ? workload.pods : await replicasOf(root, namespace, name)
  const gated = live.filter(isGated).length
  if (live.length < wanted) return wrong(`${live.length} of ${wanted} pods are there`)
  const unready = live.filter((pod) => !isGated(pod) && !isReady(pod))
  if (unready.length > 0) return wrong(`${unready.length} have a place and are not Ready`)
  const isEven = groups.every((group) => isExact(workload, group))
  const isWhole = live.length === wanted
  const stored = await root.get(workloadPolicies, { namespace, name })
  const { status } = stored as unknown as { status?: PolicyStatus }
  const [condition] = status?.conditions ?? []
  const assigned = Object.fromEntries((status?.allocations ?? []).map((one) => [one.name, one.assigned]))
  const placed = Object.fromEntries(
    policy.allocationPolicy.map((share) => [
      share.name,
      groups.reduce((sum, group) => sum + (group.at[share.name] ?? 0), 0),
    ]),
  )
  if (!isDeepStrictEqual(assigned, placed))
    return wrong(`status has ${JSON.stringify(assigned)}, pods ${JSON.stringify(placed)}`)
  if (status?.waiting !== gated) return wrong(`status has ${status?.waiting} that wait, and ${gated} do`)
  if (isEven && isWhole && (gated === 0 || condition?.reason === 'QuotaReached')) return { kind: 'exact' }
  const isExplained = condition !== undefined && !['AsAllocated', 'Placing'].includes(condition.reason)
  // Nobody scales or rolls out bare pods, so nothing but their count matters.
  if (kind === 'Pod' || !isExplained)
    return wrong(`${JSON.stringify(placed)} of ${live.length}, ${gated} wait; status: ${condition?.reason}`)
  return { kind: 'explained', why: `${name}: ${condition.reason}: ${condition.message}` }
}

interface PolicyStatus {
  readonly waiting?: number
  readonly allocations?: readonly { readonly name: string; readonly assigned: number }[]
  readonly conditions?: readonly { readonly reason: string; readonly message: string }[]
}

function isExact(workload: PlannedWorkload, { pods, at, waiting }: SeenGroup): boolean {
  const wanted = Object.entries(allotted(workload, pods.length))
  const beyond = pods.length - wanted.reduce((sum, [, count]) => sum + count, 0)
  const isRequired = workload.policy.allocationType === 'Required'
  if (waiting !== (isRequired ? beyond : 0)) return false
  // What may go anywhere may go to these clusters as well.
  return wanted.every(
    ([name, count]) =>
      (isRequired || beyond === 0 ? at[name] === count : (at[name] ?? 0) >= count) || (count === 0 && !at[name]),
  )
}

async function replicasOf(root: Platform['root'], namespace: string, name: string): Promise<number> {
  const found = (await root.get(deployments, { namespace, name })) as { spec?: { replicas?: number } } | undefined
  return found?.spec?.replicas ?? 0
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
