import {
  type Change,
  type Client,
  type EndpointSlice,
  endpointSlices,
  Informer,
  keyOf,
  type ObjectKey,
  refOf,
  type Service,
  services,
} from '@kosmos/kube'
import { type ServiceExport, serviceExports } from './resources.ts'
import { serviceNameLabel } from './slices.ts'

/** What a cluster says of one name. */
export type Exported =
  /** It has not answered since we started, or not completely. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | {
      readonly kind: 'asked'
      readonly request: ServiceExport
      readonly service: Service | undefined
      readonly slices: readonly EndpointSlice[]
    }

/** A namespace with exports: only of these are Services and their endpoints received. */
interface ExportingNamespace {
  readonly stop: AbortController
  readonly names: Set<string>
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice, 'service'>
}

/** The ServiceExports of one cluster, with the Services and endpoints that they mean. */
export class MemberExports {
  readonly requests: Informer<ServiceExport>
  readonly #client: Client
  readonly #changed: (key: ObjectKey) => void
  readonly #namespaces = new Map<string, ExportingNamespace>()
  readonly #running = new Set<Promise<unknown>>()

  constructor(client: Client, changed: (key: ObjectKey) => void) {
    this.#client = client
    this.#changed = changed
    this.requests = new Informer({ client, resource: serviceExports })
    this.requests.subscribe((change) => this.#onRequest(change))
  }

  of(key: ObjectKey): Exported {
    if (!this.requests.hasSynced) return { kind: 'unknown' }
    const request = this.requests.get(key)
    if (request === undefined || request.metadata.deletionTimestamp) return { kind: 'none' }
    const within = this.#namespaces.get(refOf(key).namespace ?? '')
    if (!within?.services.hasSynced || !within.slices.hasSynced) return { kind: 'unknown' }
    return {
      kind: 'asked',
      request,
      service: within.services.get(key),
      slices: [...within.slices.store.by('service', key)],
    }
  }

  keys(): ObjectKey[] {
    return [...this.requests.store.values()].map(keyOf)
  }

  *keysIn(namespace: string): Iterable<ObjectKey> {
    for (const name of this.#namespaces.get(namespace)?.names ?? []) yield `${namespace}/${name}`
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.requests.run(signal)
    for (const { stop } of this.#namespaces.values()) stop.abort()
    await Promise.all(this.#running)
  }

  #onRequest({ type, key }: Change<ServiceExport>): void {
    const { namespace = '', name } = refOf(key)
    const within = this.#namespaces.get(namespace)
    if (type !== 'deleted') (within ?? this.#follow(namespace)).names.add(name)
    else if (within?.names.delete(name) && within.names.size === 0) {
      this.#namespaces.delete(namespace)
      within.stop.abort()
    }
    this.#changed(key)
  }

  #follow(namespace: string): ExportingNamespace {
    const client = this.#client
    const indexes = {
      service: ({ metadata }: EndpointSlice) => [`${namespace}/${metadata.labels?.[serviceNameLabel]}`],
    }
    const within: ExportingNamespace = {
      stop: new AbortController(),
      names: new Set(),
      services: new Informer({ client, resource: services, namespace }),
      slices: new Informer({ client, resource: endpointSlices, namespace, indexes }),
    }
    this.#namespaces.set(namespace, within)
    const tell = (name: string | undefined) => {
      if (name !== undefined && within.names.has(name)) this.#changed(`${namespace}/${name}`)
    }
    within.services.subscribe(({ object }) => tell(object.metadata.name))
    within.slices.subscribe(({ object }) => tell(object.metadata.labels?.[serviceNameLabel]))
    const running = Promise.all([within.services, within.slices].map((informer) => informer.run(within.stop.signal)))
    const ended = running.finally(() => this.#running.delete(ended))
    this.#running.add(ended)
    void Promise.all([within.services.synced, within.slices.synced]).then(() => {
      for (const name of within.names) tell(name)
    })
    return within
  }
}
