import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemNamespace } from '@kosmos/api'
import { aborted, type Client, type ControllerOptions, Informer, type Secret, secrets } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import { clusterDistributionPolicies, distributionPolicies } from '../distributions/resource.ts'
import { workloadPolicies } from '../policies/resource.ts'
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
import { type ServedCertificate, serveWebhook } from './server.ts'

/**
 * So long a replica that is to end goes on answering. The kubelet tells it to end when the control plane takes it out of the EndpointSlice;
 * then each kube-proxy is told, waits a second at least since its last round (`minSyncPeriod`), and in clusters with thousands of Services
 * writes for several more.
 */
export const stillAskedForMs = 15_000

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

/**
 * Gates pods in a root without MutatingAdmissionPolicies. Every replica answers, and knows nothing but its certificate; the leader says
 * what is asked.
 */
export class Webhook {
  readonly #options: WebhookOptions
  readonly #configurations: Informer<WebhookConfiguration>
  readonly #secrets: Informer<Secret>
  /** Resolves when there is a configuration, or nothing is to be done any more. */
  readonly #wanted = Promise.withResolvers<void>()

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
    this.#configurations.subscribe(({ type }) => {
      if (type === 'deleted') options.log('info', 'webhook.removed')
      else this.#wanted.resolve()
    })
  }

  /** Answers until the signal aborts, and for as long after that as it is still asked. `ready` is called when pods can be asked about, or none are. */
  async run(signal: AbortSignal, ready: () => void): Promise<void> {
    const running: Promise<void>[] = [this.#configurations.run(signal)]
    signal.addEventListener('abort', () => this.#wanted.resolve(), { once: true })
    await Promise.race([this.#configurations.synced, this.#wanted.promise])
    if (this.#configurations.get(configurationName) === undefined) ready()
    await this.#wanted.promise
    if (!signal.aborted) {
      const served = new AbortController()
      const serving = this.#serve(signal, ready).finally(() => served.abort())
      running.push(this.#secrets.run(served.signal), serving)
    }
    await Promise.all(running)
  }

  /** Keeps certificates and configuration until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { root, url, times, onReconcile } = this.#options
    await Promise.race([this.#wanted.promise, aborted(signal)])
    if (signal.aborted) return
    const policies = new Informer({ client: root, resource: workloadPolicies })
    const distributions: Informer<StoredDistribution>[] = [distributionPolicies, clusterDistributionPolicies].map(
      (resource) => new Informer({ client: root, resource }),
    )
    const keeper = new WebhookController({
      root,
      configuration: () => this.#configurations.get(configurationName),
      secret: () => this.#secret,
      policies: () => ({
        policies: policies.store.values(),
        distributions: distributions.flatMap(({ store }) => [...store.values()]),
      }),
      hosts: url ? [new URL(url).hostname.replace(/^\[|\]$/g, '')] : [`${serviceName}.${systemNamespace}.svc`],
      url,
      times,
      ...(onReconcile && { onReconcile }),
    })
    const own = [policies, ...distributions] as const
    const told = [this.#configurations, this.#secrets, ...own] as const
    // What is not known yet would be asked about no more.
    for (const { synced } of told) keeper.controller.waitFor(synced)
    const stops = told.map((one) => one.subscribe(() => keeper.changed()))
    keeper.changed()
    await Promise.all([...own.map((one) => one.run(signal)), keeper.controller.run(signal)])
    for (const stop of stops) stop()
  }

  async #serve(signal: AbortSignal, ready: () => void): Promise<void> {
    const first = Promise.withResolvers<void>()
    let server: Awaited<ReturnType<typeof serveWebhook>> | undefined
    const show = () => {
      if (this.#certificate === undefined) return
      server?.show(this.#certificate)
      first.resolve()
    }
    this.#secrets.subscribe(show)
    await Promise.race([first.promise, aborted(signal)])
    if (signal.aborted || this.#certificate === undefined) return
    const { address, port, clientCAFile, log } = this.#options
    const clientCA = clientCAFile === undefined ? undefined : await readFile(clientCAFile, 'utf8')
    if (this.#certificate === undefined) return
    server = await serveWebhook({ address, port, clientCA, certificate: this.#certificate })
    log('info', 'webhook.listening', { url: server.url })
    ready()
    await aborted(signal)
    // After an uninstall nobody asks any more.
    if (this.#configurations.get(configurationName) !== undefined) {
      server.sendElsewhere()
      log('info', 'webhook.ending', { seconds: stillAskedForMs / 1000 })
      await sleep(stillAskedForMs)
    }
    await server.close()
  }

  get #secret(): Secret | undefined {
    return this.#secrets.get(`${secretRef.namespace}/${secretRef.name}`)
  }

  get #certificate(): ServedCertificate | undefined {
    return readSecret(this.#secret?.data)?.current
  }
}
