import {
  type Client,
  type CoreEvent,
  coreEvents,
  EventBudget,
  type KubeObject,
  Reflector,
  type ReflectorState,
  type Stored,
  WorkQueue,
} from '@kosmos/kube'
import { lastSeen, rootEvent } from './root-event.ts'

export interface LeafEventsOptions {
  readonly root: Client
  readonly leaf: Client
  readonly clusterName: string
  readonly kind: MirroredKind
  /** The root object whose copy an Event is about, if it is one of ours. */
  readonly rootObjectOf: (namespace: string, name: string, leafUid: string) => Stored<KubeObject> | undefined
  /** What is said of the copy of a root object, with things named as the root does. */
  readonly words: (about: Stored<KubeObject>, said: string) => string
  readonly onState: (state: ReflectorState) => void
  /** Hears why the root did not take an Event. */
  readonly onRefused: (reason: string) => void
}

/** What the Events are about. */
export type MirroredKind = keyof typeof SELECTORS

/** `Scheduled` each pod has once, and the root pod's addresses say it. */
const SELECTORS = {
  Pod: 'involvedObject.kind=Pod,reason!=Scheduled',
  PersistentVolumeClaim: 'involvedObject.kind=PersistentVolumeClaim',
} as const

/** Older Events are known already, or of no use any more. */
const FRESH_MS = 5 * 60_000
const CONCURRENT_WRITES = 2
/** Events that wait at most while the root is slow or away. */
const MAX_WAITING = 500
/** Of those, how many may have been told by an earlier life: what is new has room then as well. */
const MAX_REPLAYED = 250
/** Thousands of pods that start at once are no news; what is wrong is limited for each pod only. */
const NORMAL_EVENTS = { burst: 50, perSecond: 5 } as const

/**
 * Shows the Events of copies of one kind on their root objects, where `kubectl describe` looks for them: pulling, starting, probes
 * that fail, a leaf without room, a volume that is not made. Nothing depends on these Events, so what is over the budget is left
 * out.
 */
export class LeafEvents {
  readonly #options: LeafEventsOptions
  readonly #budget = newBudget()
  /** The newest state of each Event that is to be told, by uid. */
  readonly #waiting = new Map<string, { readonly event: CoreEvent; readonly about: Stored<KubeObject> }>()
  readonly #writes = new WorkQueue({ work: (uid) => this.#write(uid), concurrency: CONCURRENT_WRITES })
  readonly #reflector: Reflector<CoreEvent>

  constructor(options: LeafEventsOptions) {
    this.#options = options
    this.#reflector = new Reflector({
      client: options.leaf,
      resource: coreEvents,
      fieldSelector: SELECTORS[options.kind],
      onState: options.onState,
      sink: {
        replace: (events) => {
          const since = Date.now() - FRESH_MS
          // Told before, most of them: they do not spend what there is for news.
          const budget = newBudget()
          for (const event of events) if (lastSeen(event) >= since) this.#tell(event, budget, MAX_REPLAYED)
        },
        changed: (event) => this.#tell(event, this.#budget, MAX_WAITING),
        deleted: () => {},
      },
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#reflector.run(signal)
    await this.#writes.close()
  }

  #tell(event: CoreEvent, budget: EventBudget, maxWaiting: number): void {
    const { namespace = '', name = '', uid = '' } = event.involvedObject
    const about = this.#options.rootObjectOf(namespace, name, uid)
    if (!about || this.#waiting.size >= maxWaiting) return
    const type = event.type === 'Warning' ? 'Warning' : 'Normal'
    if (!budget.spend(about.metadata.uid, type, performance.now())) return
    this.#waiting.set(event.metadata.uid, { event, about })
    this.#writes.add(event.metadata.uid)
  }

  async #write(uid: string): Promise<void> {
    const { root, kind, clusterName, words, onRefused } = this.#options
    const next = this.#waiting.get(uid)
    if (!next) return
    const { event, about } = next
    const told = rootEvent(event, { kind, metadata: about.metadata }, clusterName, (said) => words(about, said))
    const outcome = await root.apply(coreEvents, told)
    // Something newer may have come meanwhile, which has its own turn.
    if (this.#waiting.get(uid) === next) this.#waiting.delete(uid)
    if (!outcome.ok) onRefused(`${next.about.metadata.name}: ${outcome.status.message ?? outcome.reason}`)
  }
}

function newBudget(): EventBudget {
  return new EventBudget({ normal: NORMAL_EVENTS }, performance.now())
}
