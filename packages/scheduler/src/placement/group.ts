import type { ObjectKey } from '@kosmos/kube'
import type { Seat } from '../seats/seats.ts'
import type { Standing } from './standing.ts'

/** Pods that a policy counts together: what each share has, kept up to date pod by pod. */
export class Group {
  readonly #pods = new Map<ObjectKey, Standing>()
  readonly #taken: number[]
  readonly #ready: number[]
  readonly #numbers: Set<number>[]
  readonly #gated = new Set<ObjectKey>()
  #elsewhere = 0

  constructor(shares: number) {
    this.#taken = new Array<number>(shares).fill(0)
    this.#ready = new Array<number>(shares).fill(0)
    this.#numbers = Array.from({ length: shares }, () => new Set<number>())
  }

  get size(): number {
    return this.#pods.size
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

  /** Pods without a place, those that came first first. */
  get gated(): ReadonlySet<ObjectKey> {
    return this.#gated
  }

  /** The numbers of the seats of a share that are taken. */
  numbers(share: number): ReadonlySet<number> {
    return this.#numbers[share] ?? new Set()
  }

  /** The numbered seat of a pod, if it has one. */
  seatOf(key: ObjectKey): Seat | undefined {
    const { share, number } = this.#pods.get(key) ?? {}
    return share === undefined || number === undefined ? undefined : { share, number }
  }

  set(key: ObjectKey, standing: Standing): void {
    const old = this.#pods.get(key)
    if (old) this.#count(key, old, -1)
    this.#pods.set(key, standing)
    this.#count(key, standing, 1)
  }

  delete(key: ObjectKey): void {
    const old = this.#pods.get(key)
    if (old) this.#count(key, old, -1)
    this.#pods.delete(key)
    this.#gated.delete(key)
  }

  #count(key: ObjectKey, { share, number, isGated, isReady }: Standing, by: 1 | -1): void {
    if (isGated) {
      // A pod that stays gated keeps its turn.
      if (by > 0) this.#gated.add(key)
      return
    }
    this.#gated.delete(key)
    if (share === undefined) {
      this.#elsewhere += by
      return
    }
    this.#taken[share] = (this.#taken[share] ?? 0) + by
    if (isReady) this.#ready[share] = (this.#ready[share] ?? 0) + by
    if (number === undefined) return
    if (by > 0) this.#numbers[share]?.add(number)
    else this.#numbers[share]?.delete(number)
  }
}
