import {
  type Client,
  type CoreEvent,
  coreEvents,
  EventBudget,
  type Pod,
  Reflector,
  type ReflectorState,
  WorkQueue,
} from '@kosmos/kube'
import { lastSeen, rootEvent } from './root-event.ts'

export interface PodEventsOptions {
  readonly root: Client
  readonly leaf: Client
  readonly clusterName: string
  /** The root pod whose copy an Event is about, if it is one of ours. */
  readonly rootPodOf: (namespace: string, name: string, leafUid: string) => Pod | undefined
  readonly onState: (state: ReflectorState) => void
  /** Hears why the root did not take an Event. */
  readonly onRefused: (reason: string) => void
}

/** Older Events are known already, or of no use any more. */
const FRESH_MS = 5 * 60_000
const CONCURRENT_WRITES = 2
/** Events that wait at most while the root is slow or away. */
const MAX_WAITING = 500
/** Thousands of pods that start at once are no news; what is wrong is limited for each pod only. */
const NORMAL_EVENTS = { burst: 50, perSecond: 5 } as const

/**
 * Shows the Events of copies on their root pods, where `kubectl describe` looks for them: pulling, starting, probes that
 * fail, a leaf without room. Not `Scheduled`, which each pod has once and which the root pod's addresses say. Nothing
 * depends on these Events, so what is over the budget is left out.
 */
export class PodEvents {
  readonly #options: PodEventsOptions
  readonly #budget = new EventBudget({ normal: NORMAL_EVENTS }, performance.now())
  /** The newest state of each Event that is to be told, by uid. */
  readonly #waiting = new Map<string, { readonly event: CoreEvent; readonly pod: Pod }>()
  readonly #writes = new WorkQueue({ work: (uid) => this.#write(uid), concurrency: CONCURRENT_WRITES })
  readonly #reflector: Reflector<CoreEvent>

  constructor(options: PodEventsOptions) {
    this.#options = options
    this.#reflector = new Reflector({
      client: options.leaf,
      resource: coreEvents,
      fieldSelector: 'involvedObject.kind=Pod,reason!=Scheduled',
      onState: options.onState,
      sink: {
        replace: (events) => {
          const since = Date.now() - FRESH_MS
          for (const event of events) if (lastSeen(event) >= since) this.#tell(event)
        },
        changed: (event) => this.#tell(event),
        deleted: () => {},
      },
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#reflector.run(signal)
    await this.#writes.close()
  }

  #tell(event: CoreEvent): void {
    const { namespace = '', name = '', uid = '' } = event.involvedObject
    const pod = this.#options.rootPodOf(namespace, name, uid)
    if (!pod || this.#waiting.size >= MAX_WAITING) return
    const type = event.type === 'Warning' ? 'Warning' : 'Normal'
    if (!this.#budget.spend(pod.metadata.uid, type, performance.now())) return
    this.#waiting.set(event.metadata.uid, { event, pod })
    this.#writes.add(event.metadata.uid)
  }

  async #write(uid: string): Promise<void> {
    const { root, clusterName, onRefused } = this.#options
    const next = this.#waiting.get(uid)
    if (!next) return
    const outcome = await root.apply(coreEvents, rootEvent(next.event, next.pod, clusterName))
    // Something newer may have come meanwhile, which has its own turn.
    if (this.#waiting.get(uid) === next) this.#waiting.delete(uid)
    if (!outcome.ok) onRefused(`${next.pod.metadata.name}: ${outcome.status.message ?? outcome.reason}`)
  }
}
