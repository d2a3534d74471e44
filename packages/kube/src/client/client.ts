import type { Connection, Request } from '../connection/connection.ts'
import { ApiError, ClusterUnreachable, statusOf } from '../connection/errors.ts'
import type { Response } from '../connection/exchange.ts'
import type { ObjectRef } from '../objects/key.ts'
import { apiVersionOf, pods, type Resource, serviceAccounts } from '../objects/resources.ts'
import type { KubeObject, TokenRequest, TokenRequestSpec } from '../objects/types.ts'
import { isNotFound, type Outcome, refusalOf } from './outcome.ts'
import { objectPath, pathOf } from './path.ts'

export interface ClientOptions {
  /** Awaited, if it says so, before each request for objects is sent, watches excepted; what it throws is thrown instead. */
  readonly beforeRequest?: () => Promise<void> | undefined
  /** Ends every request, as the signal of each does; a watch has its own. */
  readonly signal?: AbortSignal
}

export type PatchType = 'merge' | 'strategic' | 'json'

export interface WriteOptions {
  readonly subresource?: 'status' | 'scale' | 'resize' | 'ephemeralcontainers' | 'approval' | 'finalize' | undefined
  /** Validates and answers without storing. */
  readonly dryRun?: boolean
  /** Asks for PartialObjectMetadata as the answer: less to send and to parse, where only the version written counts. */
  readonly metadataOnly?: boolean
  /** Headers, for impersonation. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** As {@link Request} has it. */
  readonly timeoutMs?: number
}

export interface DeleteOptions {
  /** Only this incarnation: another uid gives `OtherIncarnation`. */
  readonly uid?: string
  readonly resourceVersion?: string
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  readonly dryRun?: boolean
  /** Asks for PartialObjectMetadata as the answer. */
  readonly metadataOnly?: boolean
  readonly signal?: AbortSignal
}

/** What a pod has to be still for its eviction to be done. */
export interface EvictionPreconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

export interface ListOptions {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Objects per page; fewer where so many are too long for an answer. */
  readonly limit?: number
  /** Asks for PartialObjectMetadata. */
  readonly metadataOnly?: boolean | undefined
  /** Keeps `metadata.managedFields`. */
  readonly managedFields?: boolean | undefined
  readonly signal?: AbortSignal
}

/** A page of a list and the point in time it is of. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
}

/** Media type of an object without its content; the plain one is what a server answers that does not know it. */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
export const METADATA_ONLY_LIST = METADATA_ONLY.replace('PartialObjectMetadata', 'PartialObjectMetadataList')

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

/**
 * The verbs of the Kubernetes API over plain JSON. Refusals that a controller has to expect (not found, conflict, …) are
 * {@link Outcome}s; other error answers are thrown as {@link ApiError}, a missing answer as ClusterUnreachable.
 */
export class Client {
  readonly connection: Connection
  readonly fieldManager: string
  readonly #beforeRequest: ClientOptions['beforeRequest']
  readonly #signal: AbortSignal | undefined

  /** `fieldManager`: `kosmos-<component>`; the API server records it as the owner of what is written. */
  constructor(connection: Connection, fieldManager: string, { beforeRequest, signal }: ClientOptions = {}) {
    this.connection = connection
    this.fieldManager = fieldManager
    this.#beforeRequest = beforeRequest
    this.#signal = signal
  }

  /** The name of the cluster in messages. */
  get name(): string {
    return this.connection.name
  }

  /** The object, or undefined if there is none. A live read: for controllers, caches are the rule. */
  async get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, signal?: AbortSignal): Promise<T | undefined> {
    return await this.#get<T>(objectPath(resource, ref), { signal })
  }

  /** What an object is called and whose it is, without its content. */
  async getMetadata(resource: Resource, ref: ObjectRef): Promise<KubeObject | undefined> {
    return await this.#get<KubeObject>(objectPath(resource, ref), { accept: METADATA_ONLY })
  }

  async #get<T>(path: string, options: { readonly accept?: string; readonly signal?: AbortSignal | undefined }) {
    const answer = await this.#send({ method: 'GET', path, ...options })
    const { code, body } = answer
    if (isNotFound(code, statusOf(code, body))) return undefined
    if (code !== 200) throw this.#error('GET', path, answer)
    return this.#object<T>('GET', path, answer)
  }

  /** Pages of a consistent list; each page is of the same resourceVersion. */
  async *list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): AsyncGenerator<Page<T>, void> {
    const { namespace, labelSelector, fieldSelector, limit = 500, metadataOnly, managedFields, signal } = options
    const accept = metadataOnly ? METADATA_ONLY_LIST : 'application/json'
    let next: string | undefined
    let size = limit
    do {
      const query = { labelSelector, fieldSelector, continue: next }
      const pathFor = (limit: number) => pathOf(resource, { namespace, query: { ...query, limit } })
      const { answer, path, taken } = await this.#page(pathFor, size, { accept, signal, managedFields })
      size = taken
      if (answer.code !== 200) throw this.#error('GET', path, answer)
      const list = this.#object<{ items?: T[] | null; metadata: { resourceVersion: string; continue?: string } }>(
        'GET',
        path,
        answer,
      )
      // Items of a list lack apiVersion and kind.
      const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind }
      yield {
        items: (list.items ?? []).map((item) => ({ ...kind, ...item })),
        resourceVersion: list.metadata.resourceVersion,
      }
      next = list.metadata.continue || undefined
    } while (next !== undefined)
  }

  /** A page of `size` objects, or of as many fewer as fit into an answer; `taken` is the number that was asked for at last. */
  async #page(
    pathFor: (limit: number) => string,
    size: number,
    options: Pick<Request, 'accept' | 'signal' | 'managedFields'>,
  ) {
    for (let taken = size; ; taken = Math.ceil(taken / 4)) {
      const path = pathFor(taken)
      try {
        return { path, taken, answer: await this.#send({ method: 'GET', path, ...options }) }
      } catch (error) {
        if (taken <= 1 || !(error instanceof ClusterUnreachable && error.tooLong)) throw error
      }
    }
  }

  /** Every object of a list, gathered. */
  async listAll<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<T[]> {
    const pages: (readonly T[])[] = []
    for await (const { items } of this.list(resource, options)) pages.push(items)
    return pages.flat()
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: WriteOptions = {},
  ): Promise<Outcome<T>> {
    const { namespace } = object.metadata ?? {}
    if (resource.namespaced && namespace === undefined) throw new TypeError(`${resource.kind}: a namespace is needed`)
    const path = pathOf(resource, { namespace, query: this.#query(options) })
    return await this.#write<T>('POST', path, this.#typed(resource, object), options)
  }

  /** POST to a subresource of an object: token requests, bindings. */
  async createFor<T>(
    resource: Resource,
    ref: ObjectRef,
    subresource: 'token' | 'binding',
    object: KubeObject,
    options: WriteOptions = {},
  ): Promise<Outcome<T>> {
    const path = objectPath(resource, ref, { subresource, query: this.#query(options) })
    return await this.#write<T>('POST', path, object, options)
  }

  /**
   * Asks for a pod to be evicted (policy/v1 Eviction), if it is the one that is meant. Sent once, whatever the server says of later: who
   * asks again may want something else by then. @throws ApiError 429 while a PodDisruptionBudget forbids it
   */
  async evict(ref: ObjectRef, preconditions: EvictionPreconditions = {}): Promise<Outcome<KubeObject>> {
    const { namespace, name } = ref
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
      deleteOptions: { preconditions },
    }
    const path = objectPath(pods, ref, { subresource: 'eviction', query: this.#query({}) })
    return await this.#write('POST', path, eviction, { repeat: false })
  }

  /** Asks for a token of a ServiceAccount (KEP-1205). The API server may give it another life than was asked for. */
  async requestToken(
    account: ObjectRef,
    spec: TokenRequestSpec,
    options: WriteOptions = {},
  ): Promise<Outcome<TokenRequest>> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec } as KubeObject
    return await this.createFor<TokenRequest>(serviceAccounts, account, 'token', request, options)
  }

  /** PUT: the whole object, which must carry the resourceVersion that it was read at. */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: WriteOptions = {},
  ): Promise<Outcome<T>> {
    const path = objectPath(resource, refOfObject(object), {
      subresource: options.subresource,
      query: this.#query(options),
    })
    return await this.#write<T>('PUT', path, this.#typed(resource, object), options)
  }

  /** Patches an object. Put `metadata.uid` into the patch to meet one incarnation only. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: unknown,
    options: WriteOptions & { readonly type: PatchType },
  ): Promise<Outcome<T>> {
    const path = objectPath(resource, ref, { subresource: options.subresource, query: this.#query(options) })
    return await this.#write<T>('PATCH', path, patch, options, PATCH_TYPES[options.type])
  }

  /** Server-side apply (KEP-555): states the fields that this field manager owns; creates the object if absent. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: KubeObject,
    options: WriteOptions & {
      /** Takes fields over from other managers; controllers do, so the default is true. */
      readonly force?: boolean
    } = {},
  ): Promise<Outcome<T>> {
    const path = objectPath(resource, refOfObject(object), {
      subresource: options.subresource,
      query: { ...this.#query(options), force: options.force ?? true },
    })
    // JSON is YAML: the API server takes it under the only media type that it has for apply.
    return await this.#write<T>('PATCH', path, this.#typed(resource, object), options, 'application/apply-patch+yaml')
  }

  /** Deletes an object; ok also when it stays for its grace period or finalizers. */
  async delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<Outcome<T>> {
    const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, dryRun, ...sent } = options
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(propagationPolicy && { propagationPolicy }),
      ...(dryRun && { dryRun: ['All'] }),
    }
    return await this.#write<T>('DELETE', objectPath(resource, ref), body, sent)
  }

  /** GET of a path that is no resource (`/version`, `/readyz`). Throws on every status but 200. */
  async raw(path: string, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<unknown> {
    const answer = await this.#ask({ method: 'GET', path, ...options })
    if (answer.code !== 200) throw this.#error('GET', path, answer)
    return answer.body
  }

  #query(options: WriteOptions) {
    return { fieldManager: this.fieldManager, dryRun: options.dryRun ? 'All' : undefined }
  }

  #typed(resource: Resource, object: KubeObject): KubeObject {
    return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
  }

  async #write<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    options: WriteOptions & Pick<Request, 'repeat'> = {},
    contentType?: string,
  ): Promise<Outcome<T>> {
    const { signal, repeat = true } = options
    const answer = await this.#send({
      method,
      path,
      body,
      signal,
      repeat,
      ...(contentType && { contentType }),
      ...(options.metadataOnly && { accept: METADATA_ONLY }),
      ...(options.headers && { headers: options.headers }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    })
    if (answer.code >= 200 && answer.code < 300) return { ok: true, object: this.#object<T>(method, path, answer) }
    const status = statusOf(answer.code, answer.body)
    const reason = refusalOf(answer.code, status)
    if (reason === undefined) throw this.#error(method, path, answer)
    return { ok: false, reason, status }
  }

  async #send(request: Request): Promise<Response> {
    const before = this.#beforeRequest?.()
    if (before) await before
    return await this.#ask(request)
  }

  #ask(request: Request): Promise<Response> {
    const own = this.#signal
    if (!own) return this.connection.request(request)
    const { signal } = request
    return this.connection.request({ ...request, signal: signal ? AbortSignal.any([signal, own]) : own })
  }

  /** The body as what it should be; a sign-in page of something in between is an error, not an object. */
  #object<T>(method: string, path: string, answer: Response): T {
    const { body } = answer
    if (typeof body !== 'object' || body === null) {
      throw this.#error(method, path, { ...answer, body: 'the answer is no object' })
    }
    return body as T
  }

  #error(method: string, path: string, { code, body, retryAfterMs }: Response): ApiError {
    const request = { method, path: path.replace(/\?.*/, '') }
    return new ApiError(this.name, request, code, statusOf(code, body), retryAfterMs)
  }
}

function refOfObject(object: KubeObject): ObjectRef {
  const { namespace, name } = object.metadata ?? {}
  if (!name) throw new TypeError(`${object.kind ?? 'object'}: metadata.name is needed`)
  return { namespace, name }
}
