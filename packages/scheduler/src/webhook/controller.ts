import { isDeepStrictEqual } from 'node:util'
import { systemNamespace } from '@kosmos/api'
import {
  type Client,
  Controller,
  type ControllerOptions,
  type KubeObject,
  refused,
  resource,
  type Secret,
  secrets,
} from '@kosmos/kube'
import { selfSignedCertificate } from '@kosmos/kube/certificates'
import { type ConfigurationView, webhooksOf } from './configuration.ts'
import { bundleOf, type Credentials, nextStep, readSecret, writeSecret } from './credentials.ts'
import type { ServedCertificate } from './server.ts'

export interface WebhookConfiguration extends KubeObject {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[]
}

export const webhookConfigurations = resource<WebhookConfiguration>(
  'admissionregistration.k8s.io/v1',
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  'Cluster',
)

/** Made by install where a root has no MutatingAdmissionPolicies; without it, there is nothing to do. */
export const configurationName = 'kosmos-placement'
export const secretRef = { namespace: systemNamespace, name: 'scheduler-webhook' }

export interface WebhookControllerOptions {
  readonly root: Client
  readonly configuration: () => WebhookConfiguration | undefined
  readonly secret: () => Secret | undefined
  readonly policies: () => Pick<ConfigurationView, 'policies' | 'distributions'>
  /** Under which API servers reach us. */
  readonly hosts: readonly string[]
  readonly url: string | undefined
  readonly times?: Partial<CertificateTimes> | undefined
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** When certificates are renewed, in milliseconds. */
export interface CertificateTimes {
  readonly lifetimeMs: number
  /** How often it is asked whether it is time. */
  readonly lookAgainMs: number
  /** How long API servers have the next one before it is shown. */
  readonly knownAfterMs: number
}

const stockTimes: CertificateTimes = { lifetimeMs: 90 * 24 * 3600_000, lookAgainMs: 60_000, knownAfterMs: 60_000 }
const KEY = configurationName

/** Keeps the certificates of the webhook, and tells API servers which pods we are asked about. */
export class WebhookController {
  readonly controller: Controller
  readonly #options: WebhookControllerOptions
  readonly #times: CertificateTimes
  /** What API servers are told to trust (PEM), and since when we see it, by a clock that nobody sets. */
  #trusted = { bundle: '', since: performance.now() }

  constructor(options: WebhookControllerOptions) {
    this.#options = options
    this.#times = { ...stockTimes, ...options.times }
    this.controller = new Controller({
      name: 'webhook',
      reconcile: async () => await this.#reconcile(),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
  }

  changed(): void {
    // Many policies at once are one write.
    this.controller.enqueueAfter(KEY, 100)
  }

  async #reconcile() {
    const { root, hosts, url, policies, secret } = this.#options
    const configuration = this.#options.configuration()
    if (configuration === undefined) return
    const found = secret()
    const stored = readSecret(found?.data)
    const { knownAfterMs, lookAgainMs } = this.#times
    const trusted = Buffer.from(configuration.webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString('utf8')
    if (trusted !== this.#trusted.bundle) this.#trusted = { bundle: trusted, since: performance.now() }
    const trustedForMs = performance.now() - this.#trusted.since
    const step = nextStep({ stored, hosts, now: Date.now(), trusted, trustedForMs, knownAfterMs })
    if (step === 'promote' && stored?.next) {
      await this.#store(found, { current: stored.next, former: stored.current.cert })
    } else if (step === 'prepare' && stored) {
      await this.#store(found, { ...stored, next: await this.#make() })
    } else if (step === 'make') {
      await this.#store(found, { current: await this.#make() })
    } else if (stored) {
      const webhooks = webhooksOf({ ...policies(), caBundle: bundleOf(stored), url })
      if (!isDeepStrictEqual(configuration.webhooks ?? [], webhooks)) {
        const object = { metadata: { name: configurationName }, ...{ webhooks } }
        const outcome = await root.apply(webhookConfigurations, object)
        if (!outcome.ok) throw refused(`MutatingWebhookConfiguration ${configurationName}`, outcome)
      }
    }
    return { afterMs: lookAgainMs }
  }

  async #make(): Promise<ServedCertificate> {
    const subject = [{ CN: [secretRef.name] }]
    const { certificate, key } = await selfSignedCertificate({
      subject,
      hosts: this.#options.hosts,
      lifetimeMs: this.#times.lifetimeMs,
    })
    return { cert: certificate, key }
  }

  async #store(found: Secret | undefined, credentials: Credentials): Promise<void> {
    const { root } = this.#options
    const data = writeSecret(credentials)
    const outcome = found
      ? await root.replace(secrets, { ...found, ...{ data } })
      : await root.create(secrets, { metadata: { ...secretRef, labels: partOf }, ...{ type: 'Opaque', data } })
    // A newer one is on its way to us, and is looked at then.
    if (outcome.ok || outcome.reason === 'Conflict' || outcome.reason === 'AlreadyExists') return
    throw refused(`Secret ${secretRef.namespace}/${secretRef.name}`, outcome)
  }
}

const partOf = { 'app.kubernetes.io/name': 'scheduler', 'app.kubernetes.io/part-of': 'kosmos' }
