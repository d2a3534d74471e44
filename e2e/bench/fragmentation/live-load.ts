import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, createTransport, Informer, loadKubeConfig, type Pod, pods } from '@kosmos/kube'
import { podSpec } from '../../platform/manifests.ts'
import { LARGE, type ModelOptions, packedAtOnce } from './model.ts'
import { type Amounts, machinesOfLeaf, nothing, plus, seeded, shapeOf, useOf } from './shapes.ts'

/** What became of the pods on one side. */
export interface LiveSide {
  /** Pods that came to a leaf. */
  readonly inLeaves: number
  /** Those for which the leaf's scheduler has said that no node of it has room, at whatever time. */
  readonly unschedulableInLeaf: number
  readonly unschedulableShare: number
  /** Without a node in their leaf, and not in a leaf, when the pods had stopped coming for half a minute. */
  readonly pendingAtEnd: number
  readonly waitingAtEnd: number
  /** How much of cpu or memory the leaves' nodes had given to pods, on average since they had filled; and could have at best. */
  readonly density: number
  readonly bound: number
  /** Of a pod of 16 cores, from its creation until it ran or all was over. */
  readonly longestWaitOfLargeSeconds: number
}

/** Pods that come in a second, and the seconds that one runs: an eighth of the model's, so that a run is short. */
const BURST = 10
const LIFETIME_MS = 75_000
const SETTLE_MS = 30_000

interface LivePod {
  readonly asked: Amounts
  readonly lifetimeMs: number
  readonly createdAt: number
  runsSince: number | undefined
}

/** Creates and deletes pods in the root, and looks what becomes of them in the leaves. */
export class LiveLoad {
  readonly #root: Client
  readonly #leaves: readonly string[]
  readonly #namespace: string
  readonly #options: ModelOptions
  readonly #live = new Map<string, LivePod>()
  readonly #came = new Set<string>()
  readonly #unschedulable = new Set<string>()
  #longestWait = 0

  constructor(root: Client, leaves: readonly string[], namespace: string, options: ModelOptions) {
    this.#root = root
    this.#leaves = leaves
    this.#namespace = namespace
    this.#options = options
  }

  async run(): Promise<LiveSide> {
    const stop = new AbortController()
    const connections = await Promise.all(
      this.#leaves.map(async (file) => new Connection('leaf', await createTransport(loadKubeConfig({ file })))),
    )
    const [own, ...copies] = [this.#root, ...connections.map((one) => new Client(one, 'bench'))].map(
      (client) => new Informer({ client, resource: pods, namespace: this.#namespace }),
    )
    for (const one of copies) one.subscribe(({ object }) => this.#seeCopy(object))
    own?.subscribe(({ object }) => this.#see(object))
    const watching = [own, ...copies].map((one) => one?.run(stop.signal))
    try {
      const figures = await this.#load(copies)
      await sleep(SETTLE_MS)
      const pending = copies.flatMap((one) => [...one.store.values()].filter(({ spec }) => !spec.nodeName))
      const waiting = [...(own?.store.values() ?? [])].filter(({ spec }) => !spec.nodeName)
      const large = [...this.#live.values()].filter(
        ({ asked, runsSince }) => asked.cpu === LARGE && runsSince === undefined,
      )
      for (const { createdAt } of large) this.#longestWait = Math.max(this.#longestWait, performance.now() - createdAt)
      return {
        inLeaves: this.#came.size,
        unschedulableInLeaf: this.#unschedulable.size,
        unschedulableShare: this.#unschedulable.size / Math.max(this.#came.size, 1),
        pendingAtEnd: pending.length,
        waitingAtEnd: waiting.length,
        ...figures,
        longestWaitOfLargeSeconds: this.#longestWait / 1000,
      }
    } finally {
      await Promise.all([...this.#live.keys()].map((name) => this.#end(name)))
      while ([own, ...copies].some((one) => (one?.store.size ?? 0) > 0)) await sleep(500)
      stop.abort()
      await Promise.all(watching)
      await Promise.all(connections.map((one) => one.close()))
    }
  }

  async #load(copies: readonly Informer<Pod>[]) {
    const { use, seed, leaves } = this.#options
    const random = seeded(seed)
    const all = Array.from({ length: leaves }, () => machinesOfLeaf)
      .flat()
      .reduce(plus, nothing)
    const asked = () => [...this.#live.values()].map((pod) => pod.asked)
    let [created, density, bound, seconds, isFull] = [0, 0, 0, 0, false]
    while (created < this.#options.pods) {
      const requests: Promise<unknown>[] = []
      for (const [name, { runsSince, lifetimeMs }] of this.#live) {
        if (runsSince !== undefined && performance.now() - runsSince > lifetimeMs) requests.push(this.#end(name))
      }
      for (let i = 0; i < BURST && created < this.#options.pods; i++) {
        const shape = shapeOf(random())
        const lifetimeMs = LIFETIME_MS * (0.5 + random())
        if (useOf(asked().reduce(plus, shape), all) > use) {
          isFull = true
          break
        }
        requests.push(this.#create(`pod-${created++}`, shape, lifetimeMs))
      }
      await Promise.all([...requests, sleep(1000)])
      if (!isFull) continue
      const used = copies.flatMap((one) => [...one.store.values()].filter(({ spec }) => spec.nodeName))
      density += useOf(
        used.map((pod) => this.#live.get(pod.metadata.name)?.asked ?? nothing).reduce(plus, nothing),
        all,
      )
      bound += useOf(packedAtOnce(asked(), leaves), all)
      seconds++
    }
    return { density: density / Math.max(seconds, 1), bound: bound / Math.max(seconds, 1) }
  }

  async #create(name: string, asked: Amounts, lifetimeMs: number): Promise<void> {
    this.#live.set(name, { asked, lifetimeMs, createdAt: performance.now(), runsSince: undefined })
    const requests = { cpu: `${asked.cpu}m`, memory: `${asked.memory}Mi` }
    const spec = podSpec({ container: { resources: { requests } } }) as unknown as Pod['spec']
    const outcome = await this.#root.create(pods, { metadata: { namespace: this.#namespace, name }, spec } as Pod)
    if (!outcome.ok) throw new Error(`pod ${name}: ${outcome.status.message}`)
  }

  async #end(name: string): Promise<void> {
    this.#live.delete(name)
    await this.#root.delete(pods, { namespace: this.#namespace, name }, { gracePeriodSeconds: 1 })
  }

  #see({ metadata, status }: Pod): void {
    const pod = this.#live.get(metadata.name)
    if (pod === undefined || pod.runsSince !== undefined || status?.phase !== 'Running') return
    pod.runsSince = performance.now()
    if (pod.asked.cpu === LARGE) this.#longestWait = Math.max(this.#longestWait, pod.runsSince - pod.createdAt)
  }

  #seeCopy({ metadata, status }: Pod): void {
    this.#came.add(metadata.name)
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
    if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') this.#unschedulable.add(metadata.name)
  }
}
