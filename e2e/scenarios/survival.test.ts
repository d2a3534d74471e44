import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { rootUidAnnotation } from '@kosmos/api'
import { join, silent } from '@kosmos/kosmosctl'
import { type Client, configMaps, Informer, namespaces, type Pod, pods } from '@kosmos/kube'
import { ComponentFailed, type ControlPlane, type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import PQueue from 'p-queue'
import { reviveSchedulers } from '../platform/kube-schedulers.ts'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { type Random, randomFrom } from '../platform/random.ts'
import { compareVolumes, provideVolumes, scratching } from './dependencies/own-volumes.ts'
import { changeShared, compareShared, createForeign, createShared, referring } from './dependencies/shared-objects.ts'
import { changeServices, compareServices, createServices } from './dependencies/shared-services.ts'

const NAMESPACE = 'churn'
/** At least so many disruptions, and for at least so many minutes. */
const ROUNDS = Number(process.env.KOSMOS_SURVIVAL_ROUNDS ?? 8)
const MINUTES = Number(process.env.KOSMOS_SURVIVAL_MINUTES ?? 0)
const NAMES = Array.from({ length: Number(process.env.KOSMOS_SURVIVAL_PODS ?? 40) }, (_, i) => `pod-${i}`)
/** Who create and delete at the same time. */
const USERS = Math.ceil(NAMES.length / 500)

/** Leaf pods of ours that were ever seen, by the root pod they are copies of. */
class Sightings {
  readonly copiesOf = new Map<string, Set<string>>()
  /** What was seen of each, for who has to find out why there were two. */
  readonly #history = new Map<string, string[]>()

  see(cluster: string, type: string, copy: Pod): void {
    const { name, uid, annotations, creationTimestamp, deletionTimestamp = '' } = copy.metadata
    const rootUid = annotations?.[rootUidAnnotation]
    if (rootUid === undefined) return
    const copies = this.copiesOf.get(rootUid) ?? new Set()
    this.copiesOf.set(rootUid, copies.add(uid))
    const seen = `${new Date().toISOString()} ${cluster} ${type} ${name} ${uid} created ${creationTimestamp} deleted ${deletionTimestamp} ${copy.status?.phase}`
    this.#history.set(rootUid, [...(this.#history.get(rootUid) ?? []), seen])
  }

  historyOf(rootUid: string): string {
    return (this.#history.get(rootUid) ?? []).join('\n')
  }
}

describe('when components are killed, paused and cut off while pods come and go', () => {
  let platform: Platform
  let proxy: FaultProxy
  const stop = new AbortController()
  const sightings = new Sightings()
  const seed = Number(process.env.KOSMOS_SEED ?? Date.now() % 1_000_000)
  const random = randomFrom(seed)
  const foreign = new Map<string, readonly string[]>()
  let rootId: string

  before(async () => {
    console.log(`seed ${seed}: KOSMOS_SEED=${seed} repeats it`)
    platform = await startPlatform('survival', { leaves: 2, nodes: `kwok:${Math.ceil(NAMES.length / 100) + 2}` })
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    // From here on Kosmos reaches the first leaf through a line that can be cut.
    proxy = await startFaultProxy({ target: leaf })
    await join(
      {
        name: leaf.name,
        root: { file: platform.testbed.root.kubeconfig },
        leaf: { file: leaf.kubeconfig },
        server: proxy.server,
      },
      silent,
    )
    for (const client of platform.leaves) {
      const informer = new Informer({ client, resource: pods, namespace: NAMESPACE })
      informer.subscribe(({ type, object }) => sightings.see(client.name, type, object))
      void informer.run(stop.signal)
    }
    for (const { name } of platform.testbed.leaves) {
      // Nobody goes there: the pods are kwok's. Their tokens have to be in the leaf all the same.
      const patch = { spec: { clusterTreeOptions: { rootAPIServer: 'https://root.example:6443' } } }
      await platform.kubectl(['patch', 'clusters.kosmos.io', name, '--type=merge', '-p', JSON.stringify(patch)])
    }
    rootId = (await platform.root.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? assert.fail()
    await platform.kubectl(['create', 'namespace', NAMESPACE])
    await createShared(platform.root, NAMESPACE)
    await createServices(platform.root, NAMESPACE)
    await provideVolumes(platform.root, platform.leaves, NAMESPACE, stop.signal)
    for (const client of platform.leaves) {
      await client.create(namespaces, { metadata: { name: NAMESPACE } })
      const made = await eventually('a foreign pod', async () => {
        const outcome = await client.create(pods, {
          metadata: { namespace: NAMESPACE, name: 'foreign', labels: { mine: 'yes' } },
          spec: { containers: [{ name: 'a', image: 'a' }] },
        } as object)
        return outcome.ok && outcome.object
      })
      const taken = await createForeign(client, NAMESPACE)
      foreign.set(client.name, [made.metadata.uid, taken.metadata.uid, taken.metadata.resourceVersion])
    }
  })
  after(async () => {
    stop.abort()
    await proxy?.close()
    await platform?.down()
  })

  it('nothing is lost, nothing runs twice, nothing foreign is touched', async () => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { root } = platform.testbed
    const disruptions: readonly (readonly [string, () => Promise<void>])[] = [
      [
        'kill -9 cluster-tree',
        async () => {
          await platform.killClusterTree()
          await sleep(random.below(3_000))
          await platform.startClusterTree()
        },
      ],
      [
        'pause cluster-tree beyond its lease',
        async () => {
          await root.pause('cluster-tree')
          await sleep(17_000)
          root.resume('cluster-tree')
        },
      ],
      [
        'restart the API server of the root',
        async () => {
          await root.kill('kube-apiserver')
          await sleep(random.below(3_000))
          await root.restart('kube-apiserver')
        },
      ],
      [
        'restart the API server of the leaf',
        async () => {
          await leaf.kill('kube-apiserver')
          await sleep(random.below(3_000))
          await leaf.restart('kube-apiserver')
        },
      ],
      [
        'cut the line to the leaf',
        async () => {
          proxy.cut()
          await sleep(5_000 + random.below(10_000))
          await proxy.restore()
        },
      ],
      [
        'freeze the line to the leaf',
        async () => {
          proxy.freeze()
          await sleep(5_000 + random.below(10_000))
          await proxy.restore()
        },
      ],
      [
        'answer 500 for the leaf',
        async () => {
          proxy.answer(500)
          await sleep(random.below(5_000))
          await proxy.restore()
        },
      ],
      [
        'expire the watches of the leaf',
        async () => {
          proxy.expireWatches()
        },
      ],
    ]
    // As many as there are names, and still starting when the first disruption comes.
    await new PQueue({ concurrency: 4 * USERS }).addAll(NAMES.map((name) => () => createPod(platform.root, name)))
    const churning = new AbortController()
    const churn = Promise.all(
      Array.from({ length: USERS }, (_, user) => churnPods(platform.root, churning.signal, randomFrom(seed + user))),
    )
    const end = performance.now() + MINUTES * 60_000
    for (let round = 0; round < ROUNDS || performance.now() < end; round++) {
      // Each once before any twice.
      const [title, disrupt] = disruptions[round < disruptions.length ? round : random.below(disruptions.length)] ?? []
      console.log(`round ${round + 1}: ${title}`)
      await disrupt?.().catch(unlessSlow)
      await sleep(random.below(2_000))
    }
    churning.abort()
    const actions = (await churn).reduce((sum, count) => sum + count)
    console.log(`${actions} creations, changes and deletions`)
    assert(actions > ROUNDS)
    await restartControllers(root)

    let differences: string[] = []
    let fewest = Number.POSITIVE_INFINITY
    // As long as they come nearer to each other, however slow the machine is.
    while (fewest > 0) {
      await eventually('root and leaves agree, or nearly', async () => {
        await reviveSchedulers(platform.testbed)
        await createShared(platform.root, NAMESPACE)
        await createServices(platform.root, NAMESPACE)
        differences = await compare(platform, rootId)
        return differences.length < fewest
      }).catch((error) => {
        const log = readFileSync(path.join(platform.testbed.dir, 'logs', 'cluster-tree.log'), 'utf8')
        const said = [...differences, 'cluster-tree said last:', ...log.split('\n').slice(-40)].join('\n')
        throw new Error(`seed ${seed}: root and leaves never agree:\n${said}`, { cause: error })
      })
      fewest = differences.length
    }
    for (const [rootUid, copies] of sightings.copiesOf) {
      const said = `seed ${seed}: root pod ${rootUid} has had ${copies.size} copies:\n${sightings.historyOf(rootUid)}`
      assert.equal(copies.size, 1, said)
    }
    for (const client of platform.leaves) {
      const seen = await client.get(pods, { namespace: NAMESPACE, name: 'foreign' })
      const taken = await client.get(configMaps, { namespace: NAMESPACE, name: 'shared-0' })
      const { uid, resourceVersion } = taken?.metadata ?? {}
      assert.deepEqual([seen?.metadata.uid, uid, resourceVersion], foreign.get(client.name))
      assert.deepEqual(seen?.metadata.labels, { mine: 'yes' })
    }
  })
})

/** On a busy machine a component may start more slowly than the test bed waits for; what has to hold is looked at in the end. */
function unlessSlow(error: unknown): void {
  if (!(error instanceof ComponentFailed && /is not healthy after/.test(error.message))) throw error
  console.log(error.message.split(';')[0])
}

/**
 * A garbage collector takes a pod that went, and came again under its name while its watch was broken, for one that changed, and
 * never collects what the first one owned (client-go tools/cache, DeltaFIFO.Replace): here the claims of its ephemeral volumes. It
 * finds them when it starts.
 */
async function restartControllers(cluster: ControlPlane): Promise<void> {
  await cluster.kill('kube-controller-manager')
  await cluster.restart('kube-controller-manager')
}

/**
 * What root and leaves disagree on; nothing if every root pod is Ready with its one copy and what that needs, and nothing else of
 * ours is there.
 */
async function compare({ root, leaves }: Platform, rootId: string): Promise<string[]> {
  const wanted = await root.listAll(pods, { namespace: NAMESPACE })
  const copies = (await Promise.all(leaves.map((client) => client.listAll(pods, { namespace: NAMESPACE })))).flat()
  const ours = copies.filter(({ metadata }) => metadata.name !== 'foreign')
  const byRootUid = new Map(ours.map((copy) => [copy.metadata.annotations?.[rootUidAnnotation], copy]))
  const known = new Set(wanted.map(({ metadata }) => metadata.uid))
  const say = (pod: Pod | undefined) =>
    pod &&
    `${pod.spec.nodeName} ${pod.status?.phase} ready=${isReady(pod.status)} ${pod.metadata.deletionTimestamp ?? ''} ${pod.status?.reason ?? ''}`
  return [
    ...(wanted.length === 0 ? ['the root has no pod at all'] : []),
    ...wanted.flatMap((pod) => {
      const copy = byRootUid.get(pod.metadata.uid)
      const settled = !pod.metadata.deletionTimestamp && copy && isReady(pod.status) && isReady(copy.status)
      return settled && copy.metadata.labels?.[TOUCHED] === pod.metadata.labels?.[TOUCHED]
        ? []
        : [`${pod.metadata.name}: root ${say(pod)}, copy ${say(copy)}`]
    }),
    ...ours
      .filter(({ metadata }) => !known.has(metadata.annotations?.[rootUidAnnotation] ?? ''))
      .map((copy) => `${copy.metadata.name}: no root pod, copy ${say(copy)}`),
    ...(await Promise.all(leaves.map((leaf) => compareShared(root, leaf, NAMESPACE, rootId)))).flat(),
    ...(await Promise.all(leaves.map((leaf) => compareServices(root, leaf, NAMESPACE, rootId)))).flat(),
    ...(await compareVolumes(root, leaves, NAMESPACE, rootId)),
  ]
}

function isReady(status: Pod['status']): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

const createPod = (root: Client, name: string) =>
  root.create(pods, scratching(referring(pod(name, { namespace: NAMESPACE }))))

/** A label that users change. */
const TOUCHED = 'touched'

/** Creates, changes and deletes pods until the signal aborts; returns how often. */
async function churnPods(root: Client, signal: AbortSignal, random: Random): Promise<number> {
  let actions = 0
  while (!signal.aborted) {
    const name = NAMES[random.below(NAMES.length)] ?? ''
    const ref = { namespace: NAMESPACE, name }
    try {
      if (random.below(20) === 0) await changeShared(root, NAMESPACE, random)
      if (random.below(20) === 0) await changeServices(root, NAMESPACE, random)
      const dice = random.below(5)
      if (dice < 2) {
        if ((await createPod(root, name)).ok) actions++
      } else if (dice === 2) {
        const patch = { metadata: { labels: { [TOUCHED]: `${actions}` } } }
        const changed = await root.patch(pods, ref, patch, { type: 'merge' })
        if (changed.ok) actions++
      } else {
        const gracePeriodSeconds = random.below(4) === 0 ? 0 : random.below(3)
        const deleted = await root.delete(pods, ref, { gracePeriodSeconds })
        if (deleted.ok) actions++
      }
    } catch {
      // The root's API server is down for a moment.
    }
    await sleep(random.below(100))
  }
  return actions
}
