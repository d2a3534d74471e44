import { readFile } from 'node:fs/promises'
import { systemNamespace, virtualNodesLabel } from '@kosmos/api'
import {
  type Change,
  type Client,
  type ControllerOptions,
  Informer,
  type Namespace,
  namespaces,
  type Secret,
  secrets,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import { clusterDistributionPolicies, distributionPolicies } from '../distributions/resource.ts'
import { BestFitNamespaces } from '../policies/best-fit.ts'
import { policyOf, type StoredPolicy } from '../policies/compiled-policy.ts'
import { PolicyBook } from '../policies/policy-book.ts'
import { workloadPolicies } from '../policies/resource.ts'
import type { AdmissionView } from './admit.ts'
import { serviceName } from './configuration.ts'
import {
  type CertificateTimes,
  configurationName,
  secretRef,
  type WebhookConfiguration,
  WebhookController,
  webhookConfigurations,
} from './controller.ts'
import { readSecret } from './credentials.ts'
import { SelectorBook } from './selector-book.ts'
import { type ServedCertificate, serveWebhook } from './server.ts'

export interface WebhookOptions {
  readonly root: Client
  readonly address: string
  readonly port: number
  /** Where API servers reach it, if not by the Service. */
  readonly url: string | undefined
  /** Of PEM: who signs the certificates that API servers have to show; undefined: anybody may ask. */
  readonly clientCAFile: string | undefined
  readonly times?: Partial<CertificateTimes> | undefined
  readonly log: Log
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Gates pods in a root without MutatingAdmissionPolicies. Every replica answers; the leader says what is asked. */
export class Webhook {
  readonly #options: WebhookOptions
  readonly #configurations: Informer<WebhookConfiguration>
  readonly #secrets: Informer<Secret>
  readonly #policies: Informer<StoredPolicy>
  readonly #distributions: readonly Informer<StoredDistribution>[]
  readonly #namespaces: Informer<Namespace>
  readonly #book = new PolicyBook()
  readonly #selectors = new SelectorBook()
  readonly #bestFit = new BestFitNamespaces()
  readonly #synced = Promise.withResolvers<void>()
  /** While this replica leads. */
  #controller: WebhookController | undefined

  constructor(options: WebhookOptions) {
    const { root: client } = options
    this.#options = options
    const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` })
    this.#configurations = new Informer({ client, resource: webhookConfigurations, ...named(configurationName) })
    this.#secrets = new Informer({
      client,
      resource: secrets,
      namespace: secretRef.namespace,
      ...named(secretRef.name),
    })
    this.#policies = new Informer({ client, resource: workloadPolicies })
    this.#distributions = [distributionPolicies, clusterDistributionPolicies].map(
      (resource) => new Informer({ client, resource }),
    )
    this.#namespaces = new Informer({ client, resource: namespaces, metadataOnly: true })
  }

  /** Answers until the signal aborts. `ready` is called when pods can be asked about, or none are. */
  async run(signal: AbortSignal, ready: () => void): Promise<void> {
    const running: Promise<void>[] = [this.#configurations.run(signal)]
    const wanted = Promise.withResolvers<void>()
    this.#configurations.subscribe(({ type }) => (type === 'deleted' ? undefined : wanted.resolve()))
    signal.addEventListener('abort', () => wanted.resolve(), { once: true })
    await Promise.race([this.#configurations.synced, wanted.promise])
    if (this.#configurations.get(configurationName) === undefined) ready()
    await wanted.promise
    if (!signal.aborted) running.push(...this.#others.map((one) => one.run(signal)), this.#serve(signal, ready))
    await Promise.all(running)
  }

  /** Keeps certificates and configuration until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { root, url, times, onReconcile } = this.#options
    this.#controller = new WebhookController({
      root,
      configuration: () => this.#configurations.get(configurationName),
      secret: () => this.#secret,
      policies: () => ({ policies: this.#policies.store.values(), distributions: this.#allDistributions() }),
      hosts: url ? [new URL(url).hostname.replace(/^\[|\]$/g, '')] : [`${serviceName}.${systemNamespace}.svc`],
      url,
      times,
      ...(onReconcile && { onReconcile }),
    })
    this.#controller.controller.waitFor(this.#synced.promise)
    this.#controller.changed()
    await this.#controller.controller.run(signal)
  }

  async #serve(signal: AbortSignal, ready: () => void): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    this.#policies.subscribe(({ type, object }) => {
      if (type === 'deleted') this.#book.delete(object)
      else this.#book.set(object)
    })
    for (const one of this.#distributions) {
      one.subscribe(({ type, object }) => this.#selectors[type === 'deleted' ? 'delete' : 'set'](object))
    }
    this.#namespaces.subscribe((change) => this.#onNamespace(change))
    await Promise.race([Promise.all(this.#others.map(({ synced }) => synced)), aborted.promise])
    for (const one of this.#told) one.subscribe(() => this.#controller?.changed())
    this.#synced.resolve()
    const first = Promise.withResolvers<void>()
    let server: Awaited<ReturnType<typeof serveWebhook>> | undefined
    const show = () => {
      if (this.#certificate === undefined) return
      server?.show(this.#certificate)
      first.resolve()
    }
    this.#secrets.subscribe(show)
    show()
    await Promise.race([first.promise, aborted.promise])
    if (signal.aborted || this.#certificate === undefined) return
    const { address, port, clientCAFile, log } = this.#options
    const clientCA = clientCAFile === undefined ? undefined : await readFile(clientCAFile, 'utf8')
    if (this.#certificate === undefined) return
    server = await serveWebhook({ address, port, clientCA, certificate: this.#certificate, view: this.#view })
    log('info', 'webhook.listening', { url: server.url })
    ready()
    await aborted.promise
    await server.close()
  }

  #onNamespace({ type, key, object }: Change<Namespace>): void {
    if (type === 'deleted') this.#bestFit.delete(key)
    else this.#bestFit.set(object)
  }

  *#allDistributions(): IterableIterator<StoredDistribution> {
    for (const one of this.#distributions) yield* one.store.values()
  }

  readonly #view: AdmissionView = {
    waits: (pod) => {
      const { namespace } = pod.metadata
      const isSelected = policyOf(pod, this.#book.in(namespace)) !== undefined
      return isSelected || this.#selectors.mayMean(pod) || this.#bestFit.means(pod)
    },
    toleratesVirtualNodes: (namespace) =>
      this.#namespaces.get(namespace)?.metadata.labels?.[virtualNodesLabel] === 'tolerated',
  }

  get #secret(): Secret | undefined {
    return this.#secrets.get(`${secretRef.namespace}/${secretRef.name}`)
  }

  get #certificate(): ServedCertificate | undefined {
    return readSecret(this.#secret?.data)?.current
  }

  get #told() {
    return [this.#configurations, this.#secrets, this.#policies, ...this.#distributions] as const
  }

  get #others() {
    return [this.#secrets, this.#policies, ...this.#distributions, this.#namespaces] as const
  }
}
