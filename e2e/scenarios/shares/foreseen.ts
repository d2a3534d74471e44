import { isDeepStrictEqual } from 'node:util'
import { simulateWorkload } from '@kosmos/kosmosctl'
import { type Client, keyOf, type Node, nodes, type Pod, parseQuantity, podRequests, pods } from '@kosmos/kube'
import { deployment } from '../../platform/manifests.ts'
import { eventually, type Platform } from '../../platform/platform.ts'
import type { Random } from '../../platform/random.ts'
import { type PlannedWorkload, plan, policyManifest } from './plan.ts'
import { isGated } from './seen.ts'

/** A Deployment that was simulated and then created, and how many of its pods are in which leaf; those at the gate under `waiting`. */
export interface Case {
  readonly what: string
  readonly foreseen: Readonly<Record<string, number>>
  readonly done: Readonly<Record<string, number>>
}

/** Of 64 cores of a leaf's node: some pods share one, and some leave holes that are too small for the next. */
const CORES = [9, 20, 30]

/**
 * Creates Deployments with random policies one after the other, each beside those that are there, and before each asks what would
 * become of it. Leaves are cordoned and uncordoned in between.
 */
export async function foreseeAndDo(platform: Platform, namespace: string, random: Random, cases: number) {
  const { root, apply, kubectl, testbed } = platform
  const clusters = testbed.leaves.map(({ name }) => name)
  const done: Case[] = []
  for (let i = 0; i < cases; i++) {
    const away = clusters[random.below(2 * clusters.length)]
    if (away) await kubectl(['cordon', `kosmos-${away}`])
    const planned = planOf(random, clusters, `case-${i}`)
    const cpu = CORES[random.below(CORES.length)] ?? 9
    const policy = policyManifest(planned, namespace)
    const workload = deployment(planned.name, planned.pods, {
      namespace,
      container: { resources: { requests: { cpu: `${cpu}` } } },
    })
    await eventually('the cluster is quiet', () => isQuiet(platform))
    const manifest = [policy, workload].map((one) => JSON.stringify(one)).join('\n---\n')
    const { outcomes } = await simulateWorkload(root, { manifest, namespace })
    const foreseen = counts(
      outcomes.map(({ what, value, node, pods }) => [
        /^waits/.test(what) ? 'waiting' : (value ?? node?.replace('kosmos-', '') ?? what),
        pods,
      ]),
    )
    await apply(policy, workload)
    const look = async () =>
      counts(
        (await root.listAll(pods, { namespace, labelSelector: `app=${planned.name}` })).map((pod) => [placeOf(pod), 1]),
      )
    await eventually('it is as foreseen', async () => isDeepStrictEqual(await look(), foreseen)).catch(() => {})
    const { name, pods: replicas, policy: spec } = planned
    const what = `${name}: ${replicas} pods of ${cpu}, ${away ?? 'none'} cordoned, ${JSON.stringify(spec)}`
    done.push({ what, foreseen, done: await look() })
    if (away) await kubectl(['uncordon', `kosmos-${away}`])
  }
  return done
}

function planOf(random: Random, clusters: readonly string[], name: string): PlannedWorkload {
  const size = 2 + random.below(7)
  const [, one] = plan(random, clusters, 4 * size)
  if (one?.kind !== 'Deployment') throw new Error('the second of a plan is a Deployment')
  return { ...one, name }
}

const placeOf = (pod: Pod): string =>
  isGated(pod) ? 'waiting' : (pod.spec.nodeName?.replace('kosmos-', '') ?? 'pending')

function counts(rows: readonly (readonly [string, number])[]): Record<string, number> {
  const all: Record<string, number> = {}
  for (const [name, count] of rows) all[name] = (all[name] ?? 0) + count
  return Object.fromEntries(Object.entries(all).sort())
}

/** So long the scheduler counts a pod beside what its virtual node publishes, and something for a machine that is slow. */
const KNOWN_AFTER_MS = 15_000

/** Every virtual node tells of all pods of its leaf, and nobody is on the way. */
async function isQuiet({ root, leaves, testbed }: Platform): Promise<boolean> {
  const isSettled = ({ metadata, status }: Pod) => {
    const { startTime } = (status ?? {}) as { readonly startTime?: string }
    const isOld = startTime !== undefined && Date.now() - Date.parse(startTime) > KNOWN_AFTER_MS
    return metadata.deletionTimestamp === undefined && status?.phase === 'Running' && isOld
  }
  const moving = (await root.listAll(pods)).filter((pod) => !isGated(pod) && !isSettled(pod))
  if (moving.length > 0) throw new Error(`${moving.map(keyOf)} are on the way`)
  const said = await Promise.all(testbed.leaves.map(({ name }) => root.get(nodes, { name: `kosmos-${name}` })))
  for (const [i, leaf] of leaves.entries()) {
    const [told, free] = [toldCores(said[i]), await freeCores(leaf)]
    const isTold = free.every((one, j) => (told[j] ?? 0) <= one && (told[j] ?? 0) >= ROUNDED * one)
    if (!isTold) throw new Error(`leaf${i + 1} has ${free}, and its virtual node says ${told}`)
  }
  return true
}

/** Published room is rounded down, by less than this leaves of it, and pods are larger than what is lost. */
const ROUNDED = 0.87
const byNumber = (a: number, b: number) => a - b

/** Free cores of each leaf node, as the virtual node publishes them. */
function toldCores(node: Node | undefined): number[] {
  const shapes = JSON.parse(node?.metadata.annotations?.['kosmos.io/free-shapes'] ?? '[]') as Shape[]
  const all = shapes.flatMap(({ nodes, free }) => Array.from({ length: nodes }, () => cores(free.cpu)))
  return all.sort(byNumber)
}

interface Shape {
  readonly nodes: number
  readonly free: { readonly cpu: string }
}

async function freeCores(leaf: Client): Promise<number[]> {
  const inLeaf = await leaf.listAll(pods)
  const all = (await leaf.listAll(nodes)).map(({ metadata, status }) => {
    const own = inLeaf.filter(({ spec }) => spec.nodeName === metadata.name)
    const taken = own.map((pod) => podRequests(pod).get('cpu')?.toNumber() ?? 0)
    return taken.reduce((left, one) => left - one, cores(status?.allocatable?.cpu))
  })
  return all.sort(byNumber)
}

const cores = (quantity: string | undefined): number => parseQuantity(quantity ?? 0).toNumber()
