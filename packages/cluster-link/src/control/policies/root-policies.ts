import type { ClusterConditionReason } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { FollowedKind } from '../members/followed-kind.ts'
import { clusterLinkPolicies, type StoredLinkPolicy } from '../resources.ts'

/**
 * The ClusterLinkPolicies of the root. One that was installed before the kind existed has none, so that nobody is kept
 * from anybody, until it knows the kind. Where it is there and may not be read, nobody knows who may talk.
 */
export class RootPolicies {
  readonly #kind: FollowedKind<StoredLinkPolicy>
  readonly #synced = Promise.withResolvers<void>()
  readonly #subscribers: (() => void)[] = []
  #isSettled = false

  constructor(client: Client, log: Log) {
    this.#kind = new FollowedKind({ client, resource: clusterLinkPolicies, changed: () => this.#changed(), log })
  }

  /** Resolves when it is known which there are, or that this cannot be known. */
  get settled(): Promise<void> {
    return this.#kind.settled
  }

  /** Resolves when it is known which there are. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get all(): readonly StoredLinkPolicy[] {
    return this.#kind.objects
  }

  get(name: string): StoredLinkPolicy | undefined {
    return this.all.find(({ metadata }) => metadata.name === name)
  }

  /** What the condition PoliciesFollowed says. */
  get state(): ClusterConditionReason<'PoliciesFollowed'> {
    if (this.#kind.isMissing) return 'KindMissing'
    return this.#kind.forbidden === undefined ? 'PoliciesFollowed' : 'RightsMissing'
  }

  /** Tells of everything that is not as it was. */
  subscribe(subscriber: () => void): void {
    this.#subscribers.push(subscriber)
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const running = this.#kind.run(signal)
    await this.settled
    this.#isSettled = true
    this.#changed()
    await running
  }

  #changed(): void {
    if (this.#isSettled && this.state !== 'RightsMissing') this.#synced.resolve()
    for (const subscriber of this.#subscribers) subscriber()
  }
}
