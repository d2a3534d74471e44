import { keyOf, type ObjectKey } from '../objects/key.ts'
import type { KubeObject } from '../objects/types.ts'
import { errorOf, observe } from '../observe/observe.ts'

/** What happened to one object of a store, told to its subscribers once per real change. */
export type Change<T> =
  /** `given`: as it came, where the transform has made another of it; absent when it came with a whole state. */
  | { readonly type: 'added'; readonly key: ObjectKey; readonly object: T; readonly given?: T }
  | { readonly type: 'updated'; readonly key: ObjectKey; readonly object: T; readonly old: T; readonly given?: T }
  /** `object` is the last state known. */
  | { readonly type: 'deleted'; readonly key: ObjectKey; readonly object: T }

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[]

export interface StoreOptions<T, Index extends string> {
  readonly indexes?: Readonly<Record<Index, IndexFunction<T>>>
  /** Applied before storing; drops what nobody reads. */
  readonly transform?: (object: T) => T
  /** Hears of a subscriber that threw; without it, a process warning. The other subscribers get the change anyway. */
  readonly onSubscriberError?: (error: Error) => void
}

/**
 * Objects of one collection by key and by index. Objects are shared and never change; a new state is a new object.
 * Subscribers are called in the order of the changes, once for each: a state that is already known is no change. They
 * must be quick and must not write to the store. What an index function or the transform throws comes out of the call,
 * and no object is half indexed then.
 */
export class Store<T extends KubeObject, Index extends string = never> {
  readonly #objects = new Map<ObjectKey, T>()
  readonly #indexes: readonly (readonly [Index, IndexFunction<T>, Map<string, Set<ObjectKey>>])[]
  readonly #transform: (object: T) => T
  readonly #subscribers = new Set<(change: Change<T>) => void>()
  readonly #onSubscriberError: (error: Error) => void

  constructor(options: StoreOptions<T, Index> = {}) {
    const functions = Object.entries(options.indexes ?? {}) as [Index, IndexFunction<T>][]
    this.#indexes = functions.map(([name, index]) => [name, index, new Map()])
    this.#transform = options.transform ?? ((object) => object)
    this.#onSubscriberError = options.onSubscriberError ?? ((error) => process.emitWarning(error))
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key)
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  /** Objects that the index function gave this value. */
  *by(index: Index, value: string): IterableIterator<T> {
    for (const key of this.#indexed(index).get(value) ?? []) {
      const object = this.#objects.get(key)
      if (object !== undefined) yield object
    }
  }

  /** Number of objects under a value, in O(1). */
  countBy(index: Index, value: string): number {
    return this.#indexed(index).get(value)?.size ?? 0
  }

  /** Hears of every later change, and of what is there now as added. Returns what ends the subscription. */
  subscribe(subscriber: (change: Change<T>) => void): () => void {
    for (const [key, object] of this.#objects) this.#tellOne(subscriber, { type: 'added', key, object })
    // A function of its own, so that the same subscriber given twice is two subscriptions.
    const subscription = (change: Change<T>) => this.#tellOne(subscriber, change)
    this.#subscribers.add(subscription)
    return () => this.#subscribers.delete(subscription)
  }

  /** Takes a new state of one object; nothing happens if it is the one held. */
  set(given: T): void {
    this.#take(given, true)
  }

  #take(given: T, alone: boolean): void {
    const key = keyOf(given)
    const old = this.#objects.get(key)
    if (old !== undefined && sameState(old, given)) return
    const object = this.#transform(given)
    const asGiven = alone && object !== given ? { given } : {}
    if (old === undefined) {
      this.#insert(key, object, asGiven)
      return
    }
    if (!sameIncarnation(old, given)) {
      // Deleted and created again between two looks: subscribers must see the first one go.
      this.#remove(key, old)
      this.#insert(key, object, asGiven)
      return
    }
    this.#reindex(key, old, object)
    this.#objects.set(key, object)
    this.#tell({ type: 'updated', key, object, old, ...asGiven })
  }

  /** Forgets an object; `last` is its final state, which subscribers see. */
  delete(last: T): void {
    const key = keyOf(last)
    const old = this.#objects.get(key)
    if (old !== undefined) this.#remove(key, sameIncarnation(old, last) ? this.#transform(last) : old, old)
  }

  /** Takes a whole state: the difference to what is held is told as changes. */
  replaceAll(objects: readonly T[]): void {
    const present = new Set<ObjectKey>()
    for (const object of objects) {
      present.add(keyOf(object))
    }
    for (const [key, old] of this.#objects) if (!present.has(key)) this.#remove(key, old)
    for (const object of objects) this.#take(object, false)
  }

  #insert(key: ObjectKey, object: T, asGiven: { readonly given?: T }): void {
    this.#reindex(key, undefined, object)
    this.#objects.set(key, object)
    this.#tell({ type: 'added', key, object, ...asGiven })
  }

  #remove(key: ObjectKey, last: T, held: T = last): void {
    this.#reindex(key, held, undefined)
    this.#objects.delete(key)
    this.#tell({ type: 'deleted', key, object: last })
  }

  #reindex(key: ObjectKey, before: T | undefined, after: T | undefined): void {
    const values = (index: IndexFunction<T>, object: T | undefined) => (object === undefined ? [] : index(object))
    // All functions first: one that throws must not leave the object in half of the indexes.
    const moves = this.#indexes.map(([, index, keys]) => [keys, values(index, before), values(index, after)] as const)
    for (const [keys, from, to] of moves) move(keys, key, from, to)
  }

  #indexed(name: Index): Map<string, Set<ObjectKey>> {
    const found = this.#indexes.find(([index]) => index === name)
    if (!found) throw new TypeError(`there is no index "${name}"`)
    return found[2]
  }

  #tell(change: Change<T>): void {
    // A copy: who subscribes on hearing this change has been told the state that includes it.
    for (const subscription of [...this.#subscribers]) if (this.#subscribers.has(subscription)) subscription(change)
  }

  #tellOne(subscriber: (change: Change<T>) => void, change: Change<T>): void {
    try {
      subscriber(change)
    } catch (error) {
      observe(this.#onSubscriberError, errorOf(error))
    }
  }
}

function move(
  keys: Map<string, Set<ObjectKey>>,
  key: ObjectKey,
  before: readonly string[],
  after: readonly string[],
): void {
  for (const value of before) {
    if (after.includes(value)) continue
    const set = keys.get(value)
    set?.delete(key)
    if (set?.size === 0) keys.delete(value)
  }
  for (const value of after) {
    const set = keys.get(value)
    if (set) set.add(key)
    else keys.set(value, new Set([key]))
  }
}

function sameState(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata?.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata?.resourceVersion &&
    sameIncarnation(a, b)
  )
}

function sameIncarnation(a: KubeObject, b: KubeObject): boolean {
  return a.metadata?.uid === b.metadata?.uid
}
