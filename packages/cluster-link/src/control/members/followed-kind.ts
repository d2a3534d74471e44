import {
  type Client,
  type CustomResourceDefinition,
  customResourceDefinitions,
  type KubeObject,
  type Resource,
  servedResource,
} from '@kosmos/kube'
import { type Log, persist } from '@kosmos/kube/process'
import { Followed } from './followed.ts'

export interface FollowedKindOptions<T extends KubeObject> {
  readonly client: Client
  readonly resource: Resource<T>
  readonly transform?: (object: T) => T
  /** Its objects have changed, or whether it is there, or whether it may be read. */
  readonly changed: () => void
  readonly log: Log
}

/** The objects of a kind that a cluster may have or not, whenever it comes and goes: a network plug-in brings it, say. */
export class FollowedKind<T extends KubeObject> {
  readonly #options: FollowedKindOptions<T>
  readonly #definition: Followed<CustomResourceDefinition>
  readonly #settled = Promise.withResolvers<void>()
  #running: { readonly objects: Followed<T>; readonly stop: AbortController; readonly ended: Promise<void> } | undefined

  constructor(options: FollowedKindOptions<T>) {
    this.#options = options
    const { client, resource } = options
    this.#definition = followedDefinition(client, resource, () => this.#defined())
  }

  /** Resolves when it is known what is there, or that it cannot be known. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  get objects(): T[] {
    return this.#running?.objects.objects ?? []
  }

  /** Whether the cluster does not know the kind, as far as it lets us see that. */
  get isMissing(): boolean {
    return this.#running === undefined
  }

  /** The name of the kind, if the cluster has it and does not let us read it. */
  get forbidden(): string | undefined {
    return this.#running?.objects.isForbidden ? nameOf(this.#options.resource) : undefined
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const running = this.#definition.run(signal)
    await this.#definition.settled
    if (this.#definition.isForbidden && !signal.aborted && (await this.#isServed(signal))) this.#start()
    await this.#running?.objects.settled
    this.#settled.resolve()
    await running
    await this.#stop()
  }

  /** What kinds there are, an API server tells everybody. */
  async #isServed(signal: AbortSignal): Promise<boolean> {
    const { client, resource, log } = this.#options
    const served = persist('link.look', () => servedResource(client, [resource]), log, signal)
    return (await served.catch(() => undefined)) !== undefined
  }

  #defined(): void {
    if (this.#definition.isForbidden) return
    const isThere = this.#definition.objects.length > 0
    if (isThere) this.#start()
    else void this.#stop().then(this.#options.changed)
  }

  #start(): void {
    if (this.#running) return
    const { client, resource, transform, changed } = this.#options
    const objects = new Followed({ client, resource, ...(transform && { transform }) }, changed)
    const stop = new AbortController()
    this.#running = { objects, stop, ended: objects.run(stop.signal) }
    void objects.settled.then(changed)
  }

  async #stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.stop.abort()
    await running?.ended
  }
}

/** Whether a cluster has a kind: one object while it does. */
export function followedDefinition(
  client: Client,
  kind: Resource,
  changed: () => void,
): Followed<CustomResourceDefinition> {
  const fieldSelector = `metadata.name=${nameOf(kind)}`
  return new Followed({ client, resource: customResourceDefinitions, fieldSelector, metadataOnly: true }, changed)
}

const nameOf = ({ plural, group }: Resource): string => `${plural}.${group}`
