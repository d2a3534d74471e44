import type { ObjectKey } from '@kosmos/kube'
import { type Reserved, reserve, unchangedUntil, type Waiting } from './reserve.ts'
import { isBefore, type Turn } from './turn.ts'

export interface ReservationsOptions {
  readonly now: () => number
  /** How long a pod waits before a node is kept for it. */
  readonly afterMs: number
}

/** Who waits for room, and which nodes are kept for whom; worked out anew when something of it has changed, and somebody asks. */
export class Reservations {
  readonly #waiting = new Map<ObjectKey, () => Waiting>()
  readonly #options: ReservationsOptions
  #reserved: Reserved = { kept: new Map(), changesAt: Number.POSITIVE_INFINITY }
  #isStale = false
  readonly #released = new Set<string>()

  constructor(options: ReservationsOptions) {
    this.#options = options
  }

  /** A pod waits for room. */
  add(key: ObjectKey, waiting: () => Waiting): void {
    this.#waiting.set(key, waiting)
    if (this.#isStale) return
    const { now, afterMs } = this.#options
    const changesAt = unchangedUntil(this.#reserved, waiting(), now(), afterMs)
    if (changesAt === undefined) this.#isStale = true
    else this.#reserved = { ...this.#reserved, changesAt }
  }

  /** It does not any more. */
  delete(key: ObjectKey): void {
    if (this.#waiting.delete(key) && isOwner(this.#reserved, key)) this.#isStale = true
  }

  /** Nodes, or the room on them, have changed. */
  invalidate(): void {
    this.#isStale = true
  }

  /** For whom a node is kept from a pod; undefined: it is not. */
  keptFrom(node: string, turn: Turn): Turn | undefined {
    const owner = this.#current().kept.get(node)
    return owner && owner.key !== turn.key && !isBefore(turn, owner) ? owner : undefined
  }

  /** Those of the nodes that are kept from no pod of this turn; the list itself where none is kept, as nearly always. */
  open(nodes: readonly string[], turn: Turn): readonly string[] {
    return this.#current().kept.size === 0 ? nodes : nodes.filter((node) => this.keptFrom(node, turn) === undefined)
  }

  /** The node that is kept for a pod. */
  nodeFor(key: ObjectKey): string | undefined {
    return [...this.#current().kept].find(([, turn]) => turn.key === key)?.[0]
  }

  /** How long until other nodes are kept although nothing is told; undefined: not at all. */
  changesWithinMs(): number | undefined {
    const { changesAt } = this.#current()
    return Number.isFinite(changesAt) ? Math.max(changesAt - this.#options.now(), 1) : undefined
  }

  /** Nodes that have been kept for somebody and are not any more, or for another; each is told once. */
  takeReleased(): string[] {
    this.#current()
    const released = [...this.#released]
    this.#released.clear()
    return released
  }

  #current(): Reserved {
    const { now, afterMs } = this.#options
    const old = this.#reserved
    if (!this.#isStale && now() < old.changesAt) return old
    this.#isStale = false
    const waiting = [...this.#waiting.values()].map((one) => one())
    this.#reserved = reserve(waiting, now(), afterMs)
    for (const [node, { key }] of old.kept) {
      if (this.#reserved.kept.get(node)?.key !== key) this.#released.add(node)
    }
    return this.#reserved
  }
}

const isOwner = ({ kept }: Reserved, key: ObjectKey): boolean => [...kept.values()].some((turn) => turn.key === key)
