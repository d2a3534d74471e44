import { ApiError, type ReflectorState } from '@kosmos/kube'
import { type LeafSource, storageSources } from './sources.ts'

/** Watches without which pods run all the same. */
const DISPENSABLE: ReadonlySet<LeafSource> = new Set<LeafSource>([
  'events',
  'namespaces',
  'services',
  'endpointslices',
  'claims',
  ...storageSources,
])

/** Which watches of a leaf are broken, and what the leaf says of those that it does not let us have. */
export class WatchRefusals {
  readonly #broken = new Map<LeafSource, Error>()

  /** Takes up what has become of a watch; true when it goes on after it was broken. */
  note(source: LeafSource, state: ReflectorState): boolean {
    if (state.kind === 'broken') this.#broken.set(source, state.error)
    return state.kind === 'following' && this.#broken.delete(source)
  }

  /** What the leaf says when it refuses (401 or 403) a watch that pods depend on. */
  get forbidden(): string | undefined {
    return this.#first((source) => !DISPENSABLE.has(source))
  }

  /** What it says when it refuses one without which pods run all the same. */
  get withheld(): string | undefined {
    return this.#first((source) => DISPENSABLE.has(source))
  }

  refuses(source: LeafSource): boolean {
    return this.#first((one) => one === source) !== undefined
  }

  #first(isMeant: (source: LeafSource) => boolean): string | undefined {
    for (const [source, error] of this.#broken) {
      const isRefused = error instanceof ApiError && (error.code === 401 || error.code === 403)
      if (isRefused && isMeant(source)) return error.message
    }
    return undefined
  }
}
