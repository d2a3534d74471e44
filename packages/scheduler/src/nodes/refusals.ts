import type { ObjectKey, ResourceList } from '@kosmos/kube'

/** That a leaf found no node for a pod although its virtual node offered room. */
export interface Refusal {
  readonly node: string
  /** Of the pod. One that asks for at least as much is not sent there either. */
  readonly requests: ResourceList
  /** How often in a row. */
  readonly tries: number
  /** Until when the node is not asked again, in milliseconds since the epoch. */
  readonly until: number
  /** How many machines of the node were said to have room for it. */
  readonly machines: number
  /** The words of the leaf's scheduler. */
  readonly message: string
}

const SHORTEST_MS = 60_000
const LONGEST_MS = 64 * SHORTEST_MS
/** So long after it could have been tried again, a refusal is of the past. */
const FORGOTTEN_AFTER_MS = LONGEST_MS

/**
 * Which nodes are not asked again for a while, and by pods of which policy: what keeps one workload out of a leaf need not keep
 * out the pods of others. The pauses double, so that pods go in no circle among leaves that all refuse them.
 */
export class Refusals {
  readonly #byPolicy = new Map<ObjectKey, Refusal[]>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Of the pods of so many policies something is known. */
  get size(): number {
    return this.#byPolicy.size
  }

  /** What is known of the pods of a policy, the newest last. */
  of(policy: ObjectKey): readonly Refusal[] {
    const known = this.#byPolicy.get(policy) ?? []
    return known.filter(({ until }) => this.#now() < until + FORGOTTEN_AFTER_MS)
  }

  /** Takes over what an earlier leader knew. */
  restore(policy: ObjectKey, refusals: readonly Refusal[]): void {
    if (refusals.length > 0) this.#byPolicy.set(policy, [...refusals])
  }

  forget(policy: ObjectKey): void {
    this.#byPolicy.delete(policy)
  }

  /** Several pods that were refused in one pause are one refusal: they came before it was known. */
  add(policy: ObjectKey, refused: Pick<Refusal, 'node' | 'requests' | 'machines' | 'message'>): void {
    const known = this.of(policy)
    const old = known.find(({ node, requests }) => node === refused.node && isSame(requests, refused.requests))
    const now = this.#now()
    const isNew = old === undefined || old.until <= now
    const tries = (old?.tries ?? 0) + (isNew ? 1 : 0)
    const until = isNew ? now + pauseMs(tries) : old.until
    const machines = Math.max(old?.machines ?? 0, refused.machines)
    this.#byPolicy.set(policy, [...known.filter((one) => one !== old), { ...refused, tries, until, machines }])
  }

  /** Whether a node is not to be asked by a pod now. */
  isRefused(policy: ObjectKey, node: string, requests: ResourceList): boolean {
    return this.#current(policy, node, requests).length > 0
  }

  /** Those of the nodes that may be asked by a pod now; the list itself where none is left out, as nearly always. */
  open(policy: ObjectKey, nodes: readonly string[], requests: ResourceList): readonly string[] {
    if (!this.#byPolicy.has(policy)) return nodes
    return nodes.filter((node) => !this.isRefused(policy, node, requests))
  }

  /** How long until one of these nodes may be asked again; undefined: none of them has refused. */
  endsWithinMs(policy: ObjectKey, nodes: readonly string[], requests: ResourceList): number | undefined {
    const ends = nodes.flatMap((node) => {
      const untils = this.#current(policy, node, requests).map(({ until }) => until)
      return untils.length > 0 ? [Math.max(...untils)] : []
    })
    return ends.length > 0 ? Math.max(Math.min(...ends) - this.#now(), 1) : undefined
  }

  /**
   * A node has said anew what is free. Where more machines have room than at any refusal, it may be asked again at once; each
   * such chance is used once, so a count that goes up and down ends no pause twice. What is of the past is dropped: nobody tells
   * of a namespace that is gone.
   * @returns the policies of which something else is known now
   */
  nodeChanged(node: string, machinesFor: (requests: ResourceList) => number): ObjectKey[] {
    const changed: ObjectKey[] = []
    for (const [policy, refusals] of this.#byPolicy) {
      const next = this.of(policy).map((refusal) => {
        if (refusal.node !== node) return refusal
        const machines = machinesFor(refusal.requests)
        return machines > refusal.machines ? { ...refusal, machines, until: this.#now() } : refusal
      })
      if (next.length === refusals.length && next.every((refusal, i) => refusal === refusals[i])) continue
      if (next.length > 0) this.#byPolicy.set(policy, next)
      else this.#byPolicy.delete(policy)
      changed.push(policy)
    }
    return changed
  }

  /** A node takes such pods after all. Returns whether it was not to be asked. */
  end(policy: ObjectKey, node: string, requests: ResourceList): boolean {
    const ended = this.#current(policy, node, requests)
    const kept = this.#byPolicy.get(policy)?.filter((one) => !ended.includes(one)) ?? []
    if (ended.length > 0) this.#byPolicy.set(policy, kept)
    return ended.length > 0
  }

  #current(policy: ObjectKey, node: string, requests: ResourceList): Refusal[] {
    const now = this.#now()
    const known = this.#byPolicy.get(policy) ?? []
    return known.filter((one) => one.node === node && now < one.until && isAtLeast(requests, one.requests))
  }
}

/** 1, 2, 4, … 64 minutes. */
function pauseMs(tries: number): number {
  return Math.min(SHORTEST_MS * 2 ** (tries - 1), LONGEST_MS)
}

function isAtLeast(requests: ResourceList, least: ResourceList): boolean {
  for (const [name, quantity] of least) {
    if (quantity.sign > 0 && (requests.get(name)?.compare(quantity) ?? -1) < 0) return false
  }
  return true
}

const isSame = (a: ResourceList, b: ResourceList): boolean => isAtLeast(a, b) && isAtLeast(b, a)
