import { importedByLabel } from '@kosmos/api'
import {
  type Client,
  type EndpointSlice,
  endpointSlices,
  Informer,
  type KubeObject,
  keyOf,
  type Namespace,
  namespaces,
  type ObjectKey,
  type Service,
  services,
} from '@kosmos/kube'
import { importNameLabel, type ServiceImport, serviceImports } from './resources.ts'

/** What stands in one cluster for what is exported: ours, and the ServiceImports of others, which are in the way. */
export class MemberImports {
  readonly #rootId: string
  readonly #namespaces: Informer<Namespace>
  readonly #imports: Informer<ServiceImport>
  readonly #services: Informer<Service, 'import'>
  readonly #slices: Informer<EndpointSlice, 'import'>

  constructor(client: Client, rootId: string) {
    this.#rootId = rootId
    const labelSelector = `${importedByLabel}=${rootId}`
    const indexes = { import: (object: KubeObject) => [importKeyOf(object)] }
    this.#namespaces = new Informer({ client, resource: namespaces, metadataOnly: true })
    this.#imports = new Informer({ client, resource: serviceImports })
    this.#services = new Informer({ client, resource: services, labelSelector, indexes })
    this.#slices = new Informer({ client, resource: endpointSlices, labelSelector, indexes })
  }

  get synced(): Promise<unknown> {
    return Promise.all(this.#all.map(({ synced }) => synced))
  }

  get hasSynced(): boolean {
    return this.#all.every(({ hasSynced }) => hasSynced)
  }

  hasNamespace(name: string): boolean {
    const namespace = this.#namespaces.get(name)
    return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined
  }

  get(key: ObjectKey): ServiceImport | undefined {
    return this.#imports.get(key)
  }

  isOurs({ metadata }: KubeObject): boolean {
    return metadata?.labels?.[importedByLabel] === this.#rootId
  }

  servicesOf(key: ObjectKey): Service[] {
    return [...this.#services.store.by('import', key)]
  }

  slicesOf(key: ObjectKey): EndpointSlice[] {
    return [...this.#slices.store.by('import', key)]
  }

  /** Of everything of ours that is there. */
  keys(): Set<ObjectKey> {
    const imports = [...this.#imports.store.values()].filter((one) => this.isOurs(one)).map(keyOf)
    const derived = [...this.#services.store.values(), ...this.#slices.store.values()].map(importKeyOf)
    return new Set([...imports, ...derived])
  }

  /** Tells which imports a change concerns, and in which namespace more may be possible now. */
  subscribe(changed: (key: ObjectKey) => void, appeared: (namespace: string) => void): void {
    this.#imports.subscribe(({ key }) => changed(key))
    this.#services.subscribe(({ object }) => changed(importKeyOf(object)))
    this.#slices.subscribe(({ object }) => changed(importKeyOf(object)))
    this.#namespaces.subscribe(({ type, key }) => {
      if (type === 'added') appeared(key)
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((informer) => informer.run(signal)))
  }

  get #all() {
    return [this.#namespaces, this.#imports, this.#services, this.#slices]
  }
}

const importKeyOf = ({ metadata }: KubeObject): ObjectKey =>
  `${metadata?.namespace}/${metadata?.labels?.[importNameLabel]}`
