import { isDeepStrictEqual } from 'node:util'
import {
  ApiError,
  type Change,
  Informer,
  type InformerOptions,
  type KubeObject,
  type ReflectorState,
} from '@kosmos/kube'

/** Who may not read something asks again when somebody has joined the cluster anew, and now and then. */
const backoff = { maxMs: 300_000 }

/** A collection that the cluster may not have, or not let us read. */
export class Followed<T extends KubeObject> {
  readonly #informer: Informer<T>
  readonly #settled = Promise.withResolvers<void>()
  readonly #changed: () => void
  #isForbidden = false

  /** @param changed called when its objects have, or whether they may be read */
  constructor(options: Omit<InformerOptions<T, never>, 'onState' | 'backoff'>, changed: () => void) {
    this.#changed = changed
    this.#informer = new Informer({ ...options, backoff, onState: (state) => this.#saw(state) })
    this.#informer.subscribe((change) => {
      if (isNews(change)) changed()
    })
  }

  /** Resolves when it is known what is there, or that it cannot be known. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  get objects(): T[] {
    return [...this.#informer.store.values()]
  }

  get isForbidden(): boolean {
    return this.#isForbidden
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#informer.run(signal)
    this.#settled.resolve()
  }

  #saw(state: ReflectorState): void {
    const code = state.kind === 'broken' && state.error instanceof ApiError ? state.error.code : undefined
    // An API server that cannot answer now may say something else in a moment.
    if (state.kind === 'following' || code === 403 || code === 404) this.#settled.resolve()
    if (state.kind === 'connecting' || (state.kind === 'broken' && code === undefined)) return
    if (this.#isForbidden === (code === 403)) return
    this.#isForbidden = code === 403
    this.#changed()
  }
}

/** Versions change with every write; what is told to us does not. */
function isNews<T extends KubeObject>(change: Change<T>): boolean {
  if (change.type !== 'updated') return true
  const { metadata: _, ...before } = change.old as KubeObject
  const { metadata: __, ...now } = change.object as KubeObject
  return !isDeepStrictEqual(before, now)
}
