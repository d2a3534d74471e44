import type { ObjectKey } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { Allotment } from '../seats/allotment.ts'
import type { Seat, Share } from '../seats/seats.ts'
import type { Standing } from './standing.ts'

/** Pods that a policy counts together: what each share has, kept up to date pod by pod. */
export class Group {
  readonly #pods = new Map<ObjectKey, Standing>()
  readonly #taken: number[]
  readonly #ready: number[]
  /** Which shares were full when it was told last that one is not any more. */
  readonly #full: boolean[] = []
  /** How many pods have which number: two that were counted apart may have the same. */
  readonly #numbers: Map<number, number>[]
  /** By what they ask for: who asks for the same has the same chances. */
  readonly #gated = new Map<string, { readonly asked: Standing['asked']; readonly keys: Set<ObjectKey> }>()
  readonly #shares: readonly Share[]
  readonly #allotment: Allotment
  #waiting = 0
  #held = 0
  #elsewhere = 0
  #unready = 0

  constructor({ shares, method }: Pick<CompiledPolicy, 'shares' | 'method'>) {
    this.#shares = shares
    this.#allotment = new Allotment(shares, method)
    this.#taken = shares.map(() => 0)
    this.#ready = shares.map(() => 0)
    this.#numbers = shares.map(() => new Map<number, number>())
  }

  get size(): number {
    return this.#pods.size
  }

  /** How many of them belong where, by share. */
  get desired(): readonly number[] {
    return this.#allotment.of(this.size)
  }

  /** Pods with a place, by share. */
  get taken(): readonly number[] {
    return this.#taken
  }

  /** Those of them that are Ready, by share. */
  get ready(): readonly number[] {
    return this.#ready
  }

  /** Pods that are where no share is. */
  get elsewhere(): number {
    return this.#elsewhere
  }

  /** How many pods have no place yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** How many of those with a place wait for a node there. */
  get held(): number {
    return this.#held
  }

  /** How many of those with a place, or elsewhere, are not Ready. */
  get unready(): number {
    return this.#unready
  }

  /** Where its pods stand. */
  standings(): Iterable<readonly [ObjectKey, Standing]> {
    return this.#pods
  }

  /** Whether a pod without a place can have one. */
  get isPlacing(): boolean {
    return this.first().next().done !== true
  }

  /** Of the pods without a place those whose turn it is: of all that ask for the same, the one that came first, if a share can have one more. */
  *first(): IterableIterator<ObjectKey> {
    for (const { asked, keys } of this.#gated.values()) {
      const [first] = keys
      if (first !== undefined && this.#hasRoomFor(asked)) yield first
    }
  }

  /** Pods that wait at their place, if a share that was full when this was asked last is not any more: that may be a better one. */
  takeReopened(): ObjectKey[] {
    let isReopened = false
    for (const [share, { max }] of this.#shares.entries()) {
      const isFull = (this.#taken[share] ?? 0) >= max
      isReopened ||= !isFull && this.#full[share] === true
      this.#full[share] = isFull
    }
    if (!isReopened || this.#held === 0) return []
    return [...this.#pods].flatMap(([key, { isGated, share }]) => (isGated && share !== undefined ? [key] : []))
  }

  /** A pod that asks to be where no share is has room without one. */
  #hasRoomFor(asked: Standing['asked']): boolean {
    const isAsked = ({ name }: Share) => asked === undefined || asked.has(name)
    if (!this.#shares.some(isAsked)) return true
    return this.#shares.some((share, i) => isAsked(share) && (this.#taken[i] ?? 0) < share.max)
  }

  /** The numbers of the seats of a share that are taken. */
  numbers(share: number): Pick<ReadonlySet<number>, 'has'> {
    return this.#numbers[share] ?? new Map()
  }

  /** The share that a pod has its place in. */
  shareOf(key: ObjectKey): number | undefined {
    return this.#pods.get(key)?.share
  }

  /** The numbered seat of a pod, if it has one. */
  seatOf(key: ObjectKey): Seat | undefined {
    const { share, number } = this.#pods.get(key) ?? {}
    return share === undefined || number === undefined ? undefined : { share, number }
  }

  set(key: ObjectKey, standing: Standing): void {
    const old = this.#pods.get(key)
    this.#pods.set(key, standing)
    // A pod that stays gated keeps its turn.
    if (old && isWaiting(old) && isWaiting(standing) && nameOf(old) === nameOf(standing)) return
    if (old) this.#count(key, old, -1)
    this.#count(key, standing, 1)
  }

  delete(key: ObjectKey): void {
    const old = this.#pods.get(key)
    if (old) this.#count(key, old, -1)
    this.#pods.delete(key)
  }

  #count(key: ObjectKey, standing: Standing, by: 1 | -1): void {
    const { share, number, isGated, isReady } = standing
    if (!isGated && !isReady) this.#unready += by
    if (share === undefined) {
      if (isGated) this.#queue(key, standing, by)
      else this.#elsewhere += by
      return
    }
    if (isGated) this.#held += by
    this.#taken[share] = (this.#taken[share] ?? 0) + by
    if (isReady) this.#ready[share] = (this.#ready[share] ?? 0) + by
    if (number === undefined) return
    const numbers = this.#numbers[share]
    const count = (numbers?.get(number) ?? 0) + by
    if (count > 0) numbers?.set(number, count)
    else numbers?.delete(number)
  }

  #queue(key: ObjectKey, standing: Standing, by: 1 | -1): void {
    this.#waiting += by
    const name = nameOf(standing)
    const { asked } = standing
    const queue = this.#gated.get(name) ?? { asked, keys: new Set<ObjectKey>() }
    this.#gated.set(name, queue)
    if (by > 0) queue.keys.add(key)
    else if (queue.keys.delete(key) && queue.keys.size === 0) this.#gated.delete(name)
  }
}

/** The same for all that ask for the same. */
const nameOf = ({ asked }: Standing): string => (asked === undefined ? '' : JSON.stringify([...asked].sort()))

const isWaiting = ({ isGated, share }: Standing): boolean => isGated && share === undefined
