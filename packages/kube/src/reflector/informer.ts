import type { ObjectKey } from '../objects/key.ts'
import type { KubeObject } from '../objects/types.ts'
import { observe } from '../observe/observe.ts'
import { type Change, Store, type StoreOptions } from '../store/store.ts'
import { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts'

export type InformerOptions<T extends KubeObject, Index extends string> = Omit<ReflectorOptions<T>, 'sink'> &
  StoreOptions<T, Index> & {
    /** Hears that the collection is about to be taken as a whole again, before any subscriber hears of what is not in it. */
    readonly onRelist?: () => void
  }

/** A store that a reflector keeps equal to a collection of an API server. */
export class Informer<T extends KubeObject, Index extends string = never> {
  readonly store: Store<T, Index>
  readonly #reflector: Reflector<T>
  readonly #synced = Promise.withResolvers<void>()
  #hasSynced = false
  #state: ReflectorState = { kind: 'connecting' }

  constructor(options: InformerOptions<T, Index>) {
    this.store = new Store(options)
    this.#reflector = new Reflector({
      ...options,
      sink: {
        replace: (objects) => {
          if (this.#hasSynced) observe(options.onRelist)
          this.store.replaceAll(objects)
          this.#hasSynced = true
          this.#synced.resolve()
        },
        changed: (object) => this.store.set(object),
        deleted: (object) => this.store.delete(object),
      },
      onState: (state) => {
        this.#state = state
        options.onState?.(state)
      },
    })
  }

  /** Resolves when the store has held the whole collection once; nothing may be called missing before. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  get state(): ReflectorState {
    return this.#state
  }

  /** The version of the collection that the store has reached; undefined while it is not known. */
  get resourceVersion(): string | undefined {
    return this.#reflector.resourceVersion
  }

  get(key: ObjectKey): T | undefined {
    return this.store.get(key)
  }

  subscribe(subscriber: (change: Change<T>) => void): () => void {
    return this.store.subscribe(subscriber)
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#reflector.run(signal)
  }
}
