import { setTimeout as sleep } from 'node:timers/promises'
import {
  clusterDistributionPolicyKind,
  customResourceDefinition,
  distributionPolicyKind,
  indexedLabel,
  policyIndexKind,
  systemNamespace,
  workloadPolicyKind,
} from '@kosmos/api'
import {
  type Client,
  customResourceDefinitions,
  Informer,
  namespaces,
  nodes,
  type Pod,
  pods,
  resource,
} from '@kosmos/kube'
import { downTestbed, type Progress, type Testbed, upTestbed } from '@kosmos/testbed'
import PQueue from 'p-queue'
import { scheduler } from '../../platform/components.ts'
import { pidOf, startComponent } from '../../platform/kosmos.ts'
import { insist } from '../insist.ts'
import { NAMESPACE, onCluster } from '../on-cluster.ts'
import { type LoadResult, percentile, podOf, runLoad } from '../pods/load.ts'
import { cpuMs, peakRssMiB } from '../process-usage.ts'

/** What `npm run bench -- scheduler --json` prints. */
export interface SchedulerResult {
  readonly count: number
  readonly nodes: number
  readonly policies: number
  /** Those of them that are in the namespace of the pods. */
  readonly policiesOfNamespace: number
  /** The stock scheduler alone. `bindP50Ms`, `bindP99Ms`: from when a watcher sees a pod until it sees it bound, at `rate`. */
  readonly stock: LoadResult & { readonly bindP50Ms: number; readonly bindP99Ms: number }
  /** With ours beside it, and pods in a namespace without policies. */
  readonly withoutPolicy: LoadResult
  /** With every pod under a policy. `cpuMsPerPod`: user and system time of ours over creation and deletion. */
  readonly kosmos: LoadResult & { readonly cpuMsPerPod: number }
  readonly ratioWithoutPolicy: number
  readonly ratio: number
  /** Pods a second while single decisions are timed. */
  readonly rate: number
  /** From when a watcher sees a pod gated until it sees it without the gate, at that rate. */
  readonly decideP99Ms: number
  readonly decideP50Ms: number
  readonly peakRssMiB: number
}

export interface SchedulerOptions {
  readonly count: number
  readonly nodes: number
  readonly policies: number
  /** Pods a second while single decisions are timed. */
  readonly rate: number
  readonly progress: Progress
}

const workloadPolicies = resource('kosmos.io/v1alpha1', 'WorkloadPolicy', 'workloadpolicies', 'Namespaced')
const distributionPolicies = resource('kosmos.io/v1alpha1', 'DistributionPolicy', 'distributionpolicies', 'Namespaced')
const CLUSTERS = 10
/** Namespaces that the policies are in; the pods are in one of them, since the API server asks the policies of a pod's namespace. */
const NAMESPACES = 10
const IN_FLIGHT = 50
const STEADY_SECONDS = 10

/** Measures scheduling by the stock scheduler alone and with ours, in a root whose nodes stand for clusters. */
export async function benchScheduler(options: SchedulerOptions): Promise<SchedulerResult> {
  const name = `bench-${process.pid}`
  const { progress } = options
  const testbed = await upTestbed({
    name,
    leaves: 0,
    rootNodes: `kwok:${options.nodes}`,
    endsWithProcess: true,
    progress,
  })
  try {
    return await onCluster(testbed.root.kubeconfig, (client) => measure(testbed, client, options))
  } finally {
    await downTestbed(name, progress)
  }
}

async function measure(testbed: Testbed, client: Client, options: SchedulerOptions): Promise<SchedulerResult> {
  const { count, rate, progress } = options
  const policies = Math.ceil(options.policies / NAMESPACES)
  const load = () => runLoad({ client, namespace: NAMESPACE, count, podOf: (...args) => grouped(policies, ...args) })
  await labelNodes(client)

  progress.step(`${count} pods by the stock scheduler alone`)
  const alone = await load()
  const bound = await latencies(client, policies, rate, ({ spec }) => !spec.nodeName)
  const stock = { ...alone, bindP50Ms: percentile(bound, 0.5), bindP99Ms: percentile(bound, 0.99) }
  await startScheduler(testbed, client, progress)
  const pid = pidOf(testbed, scheduler)
  await createPolicies(client, systemNamespace, options.policies - policies)
  progress.step(`${stock.podsPerSecond.toFixed(1)} pods/s; with ours, and no policy for them`)
  const withoutPolicy = await load()
  await createPolicies(client, NAMESPACE, policies)
  progress.step(
    `${withoutPolicy.podsPerSecond.toFixed(1)} pods/s; every pod under one of ${policies} policies of its namespace`,
  )
  const before = cpuMs(pid)
  const loaded = await load()
  const kosmos = { ...loaded, cpuMsPerPod: (cpuMs(pid) - before) / count }
  progress.step(`${kosmos.podsPerSecond.toFixed(1)} pods/s; ${rate} pods a second`)
  const decided = await latencies(client, policies, rate, ({ spec }) => spec.schedulingGates !== undefined)
  return {
    count,
    nodes: options.nodes,
    policies: options.policies,
    policiesOfNamespace: policies,
    stock,
    withoutPolicy,
    kosmos,
    ratioWithoutPolicy: withoutPolicy.podsPerSecond / stock.podsPerSecond,
    ratio: kosmos.podsPerSecond / stock.podsPerSecond,
    rate,
    decideP99Ms: percentile(decided, 0.99),
    decideP50Ms: percentile(decided, 0.5),
    peakRssMiB: peakRssMiB(pid),
  }
}

/** A pod that one of the policies selects, by its number. */
function grouped(policies: number, name: string, namespace: string): object {
  const pod = podOf(name, namespace) as { metadata: { labels: object } }
  const group = String(Number(name.replace(/\D/g, '')) % policies)
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, group } } }
}

async function labelNodes(client: Client): Promise<void> {
  const requests = new PQueue({ concurrency: IN_FLIGHT })
  const all = await client.listAll(nodes)
  await requests.addAll(
    all.map(({ metadata: { name } }, i) => async () => {
      const patch = { metadata: { labels: { 'kosmos.io/cluster': `c${i % CLUSTERS}` } } }
      await insist(() => client.patch(nodes, { name }, patch, { type: 'merge' }))
    }),
  )
}

export async function startScheduler(testbed: Testbed, client: Client, progress: Progress): Promise<void> {
  for (const kind of [workloadPolicyKind, policyIndexKind, distributionPolicyKind, clusterDistributionPolicyKind]) {
    await client.apply(customResourceDefinitions, customResourceDefinition(kind))
  }
  await client.create(namespaces, { metadata: { name: systemNamespace } })
  await startComponent(testbed, scheduler, progress)
  // Its Lease, and its first look at everything.
  await sleep(5_000)
}

/** So many policies, each for pods with the label `group` of its number. */
export async function createPolicies(client: Client, namespace: string, count: number, first = 0): Promise<void> {
  const allocationPolicy = Array.from({ length: CLUSTERS }, (_, i) => ({ name: `c${i}`, weight: 1 + (i % 3) }))
  for (let i = first; i < first + count; i++) {
    const spec = {
      topologyKey: 'kosmos.io/cluster',
      labelSelector: { matchLabels: { group: String(i) } },
      allocationPolicy,
      allocationScope: 'Workload',
    }
    const policy = { metadata: { namespace, name: `policy-${i}` }, ...{ spec } }
    await insist(() => client.create(workloadPolicies, policy))
  }
  if (first + count > 1) await areAsked(client, workloadPolicies, namespace)
}

/** So many DistributionPolicies, each for pods with the label `group` of its number. */
export async function createDistributions(client: Client, namespace: string, count: number, first: number) {
  for (let i = first; i < first + count; i++) {
    const spec = {
      policyTerms: [{ name: 'leaf', nodeType: 'leaf' }],
      resourceSelectors: [{ policyName: 'leaf', labelSelector: { matchLabels: { group: String(i) } } }],
    }
    const policy = { metadata: { namespace, name: `distribution-${i}` }, ...{ spec } }
    await insist(() => client.create(distributionPolicies, policy))
  }
  if (first + count > 1) await areAsked(client, distributionPolicies, namespace)
}

/** Until admission asks the index of the namespace for all policies of a kind. */
async function areAsked(client: Client, kind: Parameters<Client['listAll']>[0], namespace: string): Promise<void> {
  while ((await client.listAll(kind, { namespace, labelSelector: `!${indexedLabel}` })).length > 0) await sleep(1_000)
  // The admission of the API server watches them.
  await sleep(2_000)
}

/** Milliseconds that a watcher saw pods wait, sorted. */
async function latencies(
  client: Client,
  policies: number,
  rate: number,
  waits: (pod: Pod) => boolean,
): Promise<number[]> {
  const stop = new AbortController()
  const informer = new Informer({ client, resource: pods, namespace: NAMESPACE, labelSelector: 'app=load' })
  const seenAt = new Map<string, number>()
  const took: number[] = []
  informer.subscribe(({ type, object: pod }) => {
    const { name } = pod.metadata
    const since = seenAt.get(name)
    if (type === 'deleted') return
    if (waits(pod)) seenAt.set(name, since ?? performance.now())
    else if (since !== undefined) {
      seenAt.delete(name)
      took.push(performance.now() - since)
    }
  })
  const following = informer.run(stop.signal)
  await informer.synced
  const names = Array.from({ length: rate * STEADY_SECONDS }, (_, i) => `load-${i}`)
  const created: Promise<unknown>[] = []
  for (const name of names) {
    const pod = grouped(policies, name, NAMESPACE)
    created.push(insist(() => client.create(pods, pod)))
    await sleep(1000 / rate)
  }
  await Promise.all(created)
  while (seenAt.size > 0) await sleep(100)
  const requests = new PQueue({ concurrency: IN_FLIGHT })
  await requests.addAll(names.map((name) => () => insist(() => client.delete(pods, { namespace: NAMESPACE, name }))))
  while (informer.store.size > 0) await sleep(100)
  stop.abort()
  await following
  return took.sort((a, b) => a - b)
}

export function describeScheduler(result: SchedulerResult): string {
  const rate = ({ podsPerSecond }: LoadResult) => `${podsPerSecond.toFixed(1)} pods/s`
  return [
    `${result.count} pods, ${result.nodes} nodes in ${CLUSTERS} clusters`,
    `stock scheduler alone          ${rate(result.stock)}`,
    `one binding by it at ${`${result.rate} pods/s`.padEnd(10)}${result.stock.bindP50Ms.toFixed(0)} ms (p50), ${result.stock.bindP99Ms.toFixed(0)} ms (p99)`,
    `with ours, no policy           ${rate(result.withoutPolicy)}, ratio ${result.ratioWithoutPolicy.toFixed(2)}`,
    `every pod under a policy        ${rate(result.kosmos)}, ratio ${result.ratio.toFixed(2)}, ${result.kosmos.cpuMsPerPod.toFixed(1)} ms of our CPU a pod`,
    `one decision at ${`${result.rate} pods/s`.padEnd(15)}${result.decideP50Ms.toFixed(0)} ms (p50), ${result.decideP99Ms.toFixed(0)} ms (p99)`,
    `peak memory                    ${result.peakRssMiB.toFixed(0)} MiB`,
  ].join('\n')
}
