import { once } from 'node:events'
import { type Client, type EndpointSlice, endpointSlices, Informer } from '@kosmos/kube'
import { ofSelectors, serviceKeyOf } from '../endpoints/copy.ts'

/** The EndpointSlices that the root makes of its Services' selectors, watched from when the first cluster is linked. */
export class ServiceSlices {
  readonly informer: Informer<EndpointSlice, 'service'>
  readonly #wanted = new EventTarget()
  #isFollowed = false

  constructor(client: Client) {
    this.informer = new Informer({
      client,
      resource: endpointSlices,
      labelSelector: ofSelectors,
      indexes: { service: (slice: EndpointSlice) => [serviceKeyOf(slice)] },
    })
  }

  /** Whether they are asked for; what is not in the store then may still come until it has synced. */
  get isFollowed(): boolean {
    return this.#isFollowed
  }

  follow(): void {
    this.#isFollowed = true
    this.#wanted.dispatchEvent(new Event('wanted'))
  }

  async run(signal: AbortSignal): Promise<void> {
    if (!this.#isFollowed) await once(this.#wanted, 'wanted', { signal }).catch(() => undefined)
    if (!signal.aborted) await this.informer.run(signal)
  }
}
