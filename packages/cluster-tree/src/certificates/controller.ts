import {
  type Client,
  Controller,
  type Informer,
  type ObjectKey,
  type Pod,
  type PodCertificateRequest,
  type ReconcileObservation,
  type Requeue,
  secrets,
} from '@kosmos/kube'
import { generatePodKey } from '@kosmos/kubelet'
import type { CopyInformer } from '../configuration/controller.ts'
import type { WatchedCopy } from '../copies/content-state.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { podOwnerOf } from '../copies/pod-owned.ts'
import { setRightBy } from '../copies/set-right.ts'
import { writeDelivery } from '../copies/write.ts'
import { wantsLeafApi } from '../pods/translate/mutations/leaf-api-access.ts'
import type { Waiting } from '../pods/waiting/waiting.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { answerTo, type Credential } from './credential.ts'
import { certificateNotDelivered, certificateNotRenewed } from './events.ts'
import { type CertificatePlan, PROMPT_MS, planCertificate } from './plan.ts'
import { type CertificateRequests, RequestRefused } from './requests.ts'
import { certificateSecret, renewalOf } from './secret.ts'
import { type CertificateWish, certificateSecretName, certificateWishes } from './wishes.ts'

export interface PodCertificatesOptions {
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  /** Those of virtual nodes in the root; undefined if it has no such API. */
  readonly requests:
    | Pick<Informer<PodCertificateRequest>, 'synced' | 'hasSynced' | 'state' | 'subscribe' | 'get'>
    | undefined
  readonly signers: Pick<CertificateRequests, 'ask'>
  readonly rootPods: Pick<PodsOnNodes, 'synced' | 'subscribe' | 'get'>
  readonly leafPods: Pick<Informer<Pod>, 'synced' | 'subscribe' | 'get'>
  /** Metadata of our Secrets in the leaf, and who has written to them. */
  readonly leafSecrets: CopyInformer
  readonly events: EventSink
  /** What the pod waits for may be there, or has another reason. */
  readonly wake: (pod: ObjectKey) => void
  /** Spreads renewals. */
  readonly jitterMs?: () => number
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** A certificate of a pod: `<namespace>/<pod>/<id>`. */
type CertificateKey = string

const JITTER_MS = 300_000
/** Within which the watch shows what was written. */
const SHOWN_MS = 5_000

/** Gets every pod in a leaf the certificates that it asks for, each in a Secret of its own, and renews them while it is there. */
export class PodCertificates {
  readonly controller: Controller<CertificateKey>
  readonly #options: PodCertificatesOptions
  /** The pods that ask for certificates. */
  readonly #wishes = new Map<ObjectKey, readonly CertificateWish[]>()
  readonly #contested: ContestedCopies<CertificateKey>
  readonly #credentials = new Map<CertificateKey, Credential>()
  /** Why the root did not take a request of a pod, while that is tried again. */
  readonly #notAsked = new Map<CertificateKey, { readonly rootUid: string; readonly why: string }>()

  constructor(options: PodCertificatesOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    const { requests, rootPods, leafPods, leafSecrets, onReconcile } = options
    this.controller = new Controller({
      name: 'certificates',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile }),
    })
    if (!requests) return
    this.controller.watch(rootPods, ({ key, type, object }) => {
      const before = [...this.#keysOf(key)]
      const wishes = type === 'deleted' || wantsLeafApi(object) ? [] : certificateWishes(object.spec)
      if (wishes.length > 0) this.#wishes.set(key, wishes)
      else this.#wishes.delete(key)
      return type === 'updated' ? [] : [...before, ...this.#keysOf(key)]
    })
    this.controller.watch(leafPods, ({ key, type }) => (type === 'updated' ? [] : this.#keysOf(key)))
    this.controller.watch(leafSecrets, ({ object }) => this.#keysOf(podOwnerOf(object)?.key ?? ''))
    this.controller.watch(requests, ({ object: { metadata, spec } }) =>
      this.#keysOf(`${metadata.namespace}/${spec.podName}`),
    )
  }

  /** What a pod without a copy waits for: `pending` while its signers are at work. */
  stateOf(pod: Pod): Waiting | 'pending' | undefined {
    const { requests } = this.#options
    const wishes = requests && !wantsLeafApi(pod) ? certificateWishes(pod.spec) : []
    if (wishes.length > 0 && requests?.hasSynced === false && requests.state.kind === 'broken') {
      const message = `the root does not tell its PodCertificateRequests: ${requests.state.error.message}`
      return { reason: 'PodCertificateNotIssued', message }
    }
    let pending = false
    for (const wish of wishes) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}/${wish.id}`
      const state = this.#stateOf(pod, wish, key)
      if (typeof state === 'object') return state
      pending ||= state === 'pending'
    }
    return pending ? 'pending' : undefined
  }

  #stateOf(pod: Pod, { source: { signerName }, volume }: CertificateWish, key: CertificateKey) {
    const known = this.#credentials.get(key)
    const credential = known?.rootUid === pod.metadata.uid ? known : undefined
    switch (credential?.kind) {
      case 'issued':
      case 'delivered':
        return undefined
      case 'refused':
        return {
          reason: 'PodCertificateRefused',
          message: `${credential.message} (volume ${volume}). Another pod asks again`,
        }
      case 'asked': {
        if (Date.now() - credential.askedAt < PROMPT_MS) return 'pending'
        const what = `signer ${signerName} has not answered PodCertificateRequest ${credential.request} (volume ${volume})`
        return { reason: 'PodCertificateNotIssued', message: `${what}; the pod starts when it has` }
      }
    }
    const refusal = this.#notAsked.get(key)
    if (refusal?.rootUid !== pod.metadata.uid) return 'pending'
    const message = `the root takes no PodCertificateRequest of signer ${signerName} (volume ${volume}): ${refusal.why}`
    return { reason: 'PodCertificateNotIssued', message }
  }

  *#keysOf(pod: ObjectKey): Iterable<CertificateKey> {
    for (const { id } of this.#wishes.get(pod) ?? []) yield `${pod}/${id}`
  }

  async #reconcile(key: CertificateKey): Promise<Requeue> {
    const { namespace, pod, id } = split(key)
    const root = this.#options.rootPods.get(pod)
    const secret = root && this.#options.leafSecrets.get(`${namespace}/${certificateSecretName(root, id)}`)
    return await this.#contested.around(key, secret, (by) => this.#step(key, secret, by))
  }

  async #step(key: CertificateKey, secret: WatchedCopy | undefined, by: string | undefined): Promise<Stepped> {
    const { namespace, pod, id } = split(key)
    const { rootPods, leafPods, requests } = this.#options
    const wish = this.#wishes.get(pod)?.find((wish) => wish.id === id)
    const root = wish && rootPods.get(pod)
    // Here and not when it is heard of: it may have been on its way then.
    if (!root) this.#notAsked.delete(key)
    const leaf = leafPods.get(pod)
    const credential = this.#credentials.get(key)
    const request = credential?.kind === 'asked' ? requests?.get(`${namespace}/${credential.request}`) : undefined
    const contested = by !== undefined
    const plan = planCertificate({ root, leaf, secret, contested, credential, request, now: Date.now() })
    try {
      return await this.#act(key, plan, { root, leaf, wish, credential, request, by })
    } finally {
      if (root && !leaf) this.#options.wake(pod)
    }
  }

  async #act(
    key: CertificateKey,
    plan: CertificatePlan,
    {
      root,
      leaf,
      wish,
      credential,
      request,
      by,
    }: {
      readonly root: Pod | undefined
      readonly leaf: Pod | undefined
      readonly wish: CertificateWish | undefined
      readonly credential: Credential | undefined
      readonly request: PodCertificateRequest | undefined
      readonly by: string | undefined
    },
  ): Promise<Stepped> {
    const { events } = this.#options
    if (plan.kind === 'forget') {
      this.#credentials.delete(key)
      return AT_ONCE
    }
    if (!root || !wish) return
    switch (plan.kind) {
      case 'none':
        if (plan.isOverdue)
          events.record(root, certificateNotRenewed(wish.volume, `signer ${wish.source.signerName} does not answer`))
        return plan.afterMs ? { afterMs: plan.afterMs } : undefined
      case 'ask':
        await this.#ask(key, root, wish, leaf !== undefined)
        return { afterMs: PROMPT_MS }
      case 'settle': {
        if (credential?.kind !== 'asked' || !request) return
        const jitter = (this.#options.jitterMs ?? (() => Math.random() * JITTER_MS))()
        const answer = answerTo(credential, request, jitter)
        if (!answer) return
        this.#credentials.set(key, answer)
        if (answer.kind === 'refused' && leaf) events.record(root, certificateNotRenewed(wish.volume, answer.message))
        return AT_ONCE
      }
      case 'deliver':
        return leaf && (await this.#deliver(key, root, leaf, wish, plan, by))
    }
  }

  async #ask(key: CertificateKey, root: Pod, wish: CertificateWish, isRenewal: boolean): Promise<void> {
    const { signers, clusterName, events } = this.#options
    const { privateKey, request: proof } = await generatePodKey(wish.source.keyType)
    try {
      const request = await signers.ask(root, wish, clusterName, proof)
      const rootUid = root.metadata.uid
      this.#credentials.set(key, { kind: 'asked', rootUid, request, privateKey, askedAt: Date.now() })
      this.#notAsked.delete(key)
    } catch (error) {
      const { message } = error as Error
      if (error instanceof RequestRefused) this.#notAsked.set(key, { rootUid: root.metadata.uid, why: message })
      if (isRenewal) events.record(root, certificateNotRenewed(wish.volume, message))
      throw error
    }
  }

  async #deliver(
    key: CertificateKey,
    root: Pod,
    copy: Pod,
    { id, volume }: CertificateWish,
    { issued, present }: Extract<CertificatePlan, { kind: 'deliver' }>,
    by: string | undefined,
  ): Promise<Stepped> {
    const { leaf, rootClusterId, events } = this.#options
    const secret = certificateSecret({ root, copy, rootClusterId, id, issued })
    try {
      if (!(await writeDelivery(leaf, secrets, setRightBy(secret, by, new Date()), present))) return { afterMs: 500 }
    } catch (error) {
      events.record(root, certificateNotDelivered(volume, (error as Error).message))
      throw error
    }
    const until = Date.now() + SHOWN_MS
    this.#credentials.set(key, { kind: 'delivered', rootUid: root.metadata.uid, renewal: renewalOf(issued), until })
    if (by === undefined) return { afterMs: SHOWN_MS }
    return { what: `Secret ${certificateSecretName(root, id)}`, toldOn: [root] }
  }
}

function split(key: CertificateKey) {
  const [namespace = '', name = '', id = ''] = key.split('/')
  return { namespace, pod: `${namespace}/${name}` as ObjectKey, id }
}

const AT_ONCE: Requeue = { afterMs: 1 }
