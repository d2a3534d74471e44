import type { Node, Pod } from '@kosmos/kube'
import { PlacementState } from '@kosmos/scheduler'
import type { Leaf } from './leaf.ts'
import { type Amounts, minus, nothing, plus } from './shapes.ts'
import { choice } from './stock-scheduler.ts'

/** Who decides in the root which leaf a pod goes to. */
export interface Root {
  /** The leaf for a pod; undefined: it waits in the root. */
  place(pod: string, asked: Amounts): string | undefined
  /** A pod runs in its leaf. */
  started(pod: string): void
  ended(pod: string): void
  /** A virtual node says what it has. */
  published(leaf: Leaf): void
}

/** The stock scheduler alone: it sees the sum of what each leaf has, and what pods of the root ask of it. */
export class StockRoot implements Root {
  readonly #leaves: readonly Leaf[]
  readonly #on = new Map<string, { readonly leaf: string; readonly asked: Amounts }>()
  readonly #used = new Map<string, Amounts>()

  constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves
  }

  place(pod: string, asked: Amounts): string | undefined {
    const places = this.#leaves.map(({ name, all }) => ({ all, used: this.#used.get(name) ?? nothing }))
    const leaf = this.#leaves[choice(places, asked) ?? -1]?.name
    if (leaf === undefined) return undefined
    this.#on.set(pod, { leaf, asked })
    this.#used.set(leaf, plus(this.#used.get(leaf) ?? nothing, asked))
    return leaf
  }

  started(): void {}

  ended(pod: string): void {
    const found = this.#on.get(pod)
    if (found) this.#used.set(found.leaf, minus(this.#used.get(found.leaf) ?? nothing, found.asked))
    this.#on.delete(pod)
  }

  published(): void {}
}

const namespace = 'load'

/** The decisions of the scheduler of Kosmos, for pods of a namespace that minds room. */
export class KosmosRoot implements Root {
  readonly #nodes = new Map<string, Node>()
  readonly #state: PlacementState
  readonly #pods = new Map<string, Pod>()
  readonly #createdAt = new Map<string, string>()
  readonly #now: () => number

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now
    this.#state = new PlacementState(this.#nodes, now)
    const labels = { 'kosmos.io/placement': 'best-fit' }
    this.#state.bestFit.set({ metadata: { name: namespace, uid: 'uid-of-load', resourceVersion: '1', labels } })
  }

  place(name: string, { cpu, memory }: Amounts): string | undefined {
    const requests = { cpu: `${cpu}m`, memory: `${memory}Mi` }
    const creationTimestamp = this.#createdAt.get(name) ?? new Date(this.#now()).toISOString()
    this.#createdAt.set(name, creationTimestamp)
    const pod: Pod = {
      metadata: { namespace, name, uid: `uid-of-${name}`, resourceVersion: '1', creationTimestamp },
      spec: {
        containers: [{ name: 'main', resources: { requests } }],
        schedulingGates: [{ name: 'kosmos.io/placement' }],
      },
    }
    const decision = this.#state.decide(pod)
    this.#state.commit(pod, decision)
    if (decision.kind !== 'anyRoom' || decision.aim === undefined) return undefined
    const { schedulingGates: _, ...spec } = pod.spec
    this.#set({ ...pod, spec: { ...spec, nodeName: decision.aim.node }, status: { phase: 'Pending' } })
    return decision.aim.node
  }

  started(name: string): void {
    const pod = this.#pods.get(name)
    if (pod) this.#set({ ...pod, status: { phase: 'Running' } })
  }

  ended(name: string): void {
    this.#pods.delete(name)
    this.#createdAt.delete(name)
    this.#state.deletePod(`${namespace}/${name}`)
  }

  published(leaf: Leaf): void {
    const node = leaf.node()
    const old = this.#nodes.get(leaf.name)
    this.#nodes.set(leaf.name, node)
    this.#state.vacancies.setNode(node, old)
  }

  #set(pod: Pod): void {
    this.#pods.set(pod.metadata.name, pod)
    this.#state.setPod(pod)
  }
}
