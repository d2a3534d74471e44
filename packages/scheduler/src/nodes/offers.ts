import { type Node, NodeAffinity, type Pod, untoleratedTaint } from '@kosmos/kube'

/** Whether a node takes new pods at all, as kube-scheduler sees it. */
export function isOpen({ spec, status }: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready?.status === 'True' && spec?.unschedulable !== true
}

/** Whether a node takes this pod, as far as labels, affinity and taints say. Pure. */
export function takesPod(node: Node, pod: Pod, affinity = new NodeAffinity(pod.spec)): boolean {
  return (
    isOpen(node) &&
    affinity.allows(node) &&
    untoleratedTaint(node.spec?.taints ?? [], pod.spec.tolerations ?? []) === undefined
  )
}

/** More workloads than that are seldom placed at once; pods that ask for something of their own each must not add up. */
const MOST_ANSWERS = 1_000

/**
 * Which nodes are there for a pod, by the value of one of their labels, whatever room they have. Pods of one workload ask the
 * same, so the answer is kept until a node changes in what is asked about: a heartbeat is no change.
 */
export class NodeOffers {
  readonly #nodes: () => Iterable<Node>
  readonly #answers = new Map<string, ReadonlyMap<string, readonly string[]>>()
  /** Of labels that were asked about. */
  readonly #values = new Map<string, ReadonlySet<string>>()

  constructor(nodes: () => Iterable<Node>) {
    this.#nodes = nodes
  }

  /** So many answers are kept. */
  get size(): number {
    return this.#answers.size
  }

  /** A node appeared, went, or changed in a way that {@link isSameOffer} tells apart. */
  invalidate(): void {
    this.#answers.clear()
    this.#values.clear()
  }

  /** Whether a node has the label with this value, whatever pods it takes. */
  isThere(topologyKey: string, value: string): boolean {
    const known = this.#values.get(topologyKey)
    if (known) return known.has(value)
    const values = new Set(Array.from(this.#nodes(), ({ metadata }) => metadata.labels?.[topologyKey] ?? ''))
    this.#values.set(topologyKey, values)
    return values.has(value)
  }

  /** Names of nodes. */
  allFor(pod: Pod): readonly string[] {
    return this.#answer(pod, undefined).get('') ?? []
  }

  /** Names of nodes, by value. */
  nodesFor(pod: Pod, topologyKey: string): ReadonlyMap<string, readonly string[]> {
    return this.#answer(pod, topologyKey)
  }

  /** Without a key, all of them are under the value ''. */
  #answer(pod: Pod, topologyKey: string | undefined): ReadonlyMap<string, readonly string[]> {
    const { nodeSelector, affinity, tolerations } = pod.spec
    const question = JSON.stringify([topologyKey, nodeSelector, affinity?.nodeAffinity, tolerations])
    const known = this.#answers.get(question)
    if (known) return known
    const required = new NodeAffinity(pod.spec)
    const names = new Map<string, string[]>()
    for (const node of this.#nodes()) {
      const value = topologyKey === undefined ? '' : node.metadata.labels?.[topologyKey]
      if (value === undefined || !takesPod(node, pod, required)) continue
      const those = names.get(value)
      if (those) those.push(node.metadata.name)
      else names.set(value, [node.metadata.name])
    }
    const [oldest] = this.#answers.keys()
    if (this.#answers.size >= MOST_ANSWERS && oldest !== undefined) this.#answers.delete(oldest)
    this.#answers.set(question, names)
    return names
  }
}

/** Whether two states of a node offer the same to every pod. */
export function isSameOffer(a: Node, b: Node): boolean {
  const offer = (node: Node) => JSON.stringify([isOpen(node), node.metadata.labels, node.spec?.taints])
  return offer(a) === offer(b)
}
