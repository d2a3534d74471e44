import { importedByLabel, rootClusterLabel, systemNamespace } from '@kosmos/api'
import {
  type Client,
  Controller,
  census,
  type ForeignObject,
  type Informer,
  isGone,
  type KubeObject,
  type Namespace,
  namespaces,
  type Outcome,
  type ReconcileObservation,
  type Requeue,
} from '@kosmos/kube'
import { NextLook } from './next-look.ts'
import { securityLabels, securityPatch } from './security.ts'

export interface LeafNamespacesOptions {
  readonly root: Client
  readonly leaf: Client
  /** uid of the root's kube-system namespace. */
  readonly rootClusterId: string
  /** All of the root's. */
  readonly rootNamespaces: Informer<KubeObject>
  /** Those of the leaf that were made for this root. */
  readonly leafNamespaces: Informer<KubeObject>
  /** A namespace stays although the root's is gone: what is in it, or what may not be seen. */
  readonly onKept: (namespace: string, why: string) => void
  /** Between looks whether it still has to. */
  readonly keptMs?: number
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** It may stay for ever, and one request a look is little. */
const KEPT_MS = 600_000

interface Kept {
  readonly why: string
  /** Undefined: there are kinds that may not be listed. */
  readonly by: ForeignObject | undefined
}

/** How a namespace came to be there, or what the leaf said. */
export type NamespaceOutcome = 'created' | 'present' | Extract<Outcome<Namespace>, { ok: false }>

/**
 * The namespaces of a leaf that were made for the pods of one root: they admit what the root's admit, and go with the root's
 * if nothing of others is in them. One that was there already is nobody's, and stays as it is.
 */
export class LeafNamespaces {
  readonly controller: Controller
  readonly #options: LeafNamespacesOptions
  readonly #kept = new Map<string, Kept>()

  constructor(options: LeafNamespacesOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'namespaces',
      concurrency: 2,
      reconcile: (name) => this.#reconcile(name),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.controller.watch(options.rootNamespaces, ({ key }) => (options.leafNamespaces.get(key) ? [key] : []))
    this.controller.watch(options.leafNamespaces, ({ key, type }) => {
      if (type !== 'deleted') return [key]
      this.#kept.delete(key)
      return []
    })
  }

  /** Makes a namespace in the leaf, marked as made by us; one that is there already stays as it is. */
  async ensure(name: string): Promise<NamespaceOutcome> {
    const { leaf, rootClusterId, rootNamespaces } = this.#options
    const labels = { ...securityLabels(rootNamespaces.get(name)), [rootClusterLabel]: rootClusterId }
    const outcome = await leaf.create(namespaces, { metadata: { name, labels } })
    if (outcome.ok) return 'created'
    return outcome.reason === 'AlreadyExists' ? 'present' : outcome
  }

  async #reconcile(name: string): Promise<Requeue> {
    const { leaf, rootNamespaces, leafNamespaces } = this.#options
    const copy = leafNamespaces.get(name)
    const { uid, deletionTimestamp } = copy?.metadata ?? {}
    if (!copy || uid === undefined || deletionTimestamp !== undefined || name === systemNamespace) return
    const original = rootNamespaces.get(name)
    if (!original) return await this.#remove(name, uid)
    this.#kept.delete(name)
    const labels = securityPatch(copy, original)
    if (!labels) return
    const outcome = await leaf.patch(namespaces, { name }, { metadata: { uid, labels } }, { type: 'merge' })
    if (!outcome.ok && !isGone(outcome)) {
      throw new Error(`namespace ${name} cannot be labelled in ${leaf.name}: ${outcome.status.message}`)
    }
    return
  }

  async #remove(name: string, uid: string): Promise<Requeue> {
    const { root, leaf, rootClusterId } = this.#options
    if (await root.get(namespaces, { name })) return
    const by = this.#kept.get(name)?.by
    if (by && (await leaf.getMetadata(by.resource, by.ref))?.metadata?.uid === by.uid) return this.#nextLook
    const look = new NextLook(rootClusterId)
    const found = await census(
      leaf,
      name,
      // What stands for Services of other clusters goes with the namespace.
      (object, kind) => look.note(object, kind) || object.metadata?.labels?.[importedByLabel] === rootClusterId,
    )
    if (found.kind === 'foreign') return this.#keep(name, { why: found.example, by: found.at })
    if (found.kind === 'unknown') {
      return this.#keep(name, { why: `${found.kinds.join(', ')} may not be listed`, by: undefined })
    }
    // Copies of root pods are on their way out: their root pods went before the root's namespace could.
    const { afterMs } = look
    if (afterMs !== undefined) return { afterMs }
    const outcome = await leaf.delete(namespaces, { name }, { uid })
    if (!outcome.ok && !isGone(outcome)) {
      throw new Error(`namespace ${name} cannot be deleted in ${leaf.name}: ${outcome.status.message}`)
    }
    return
  }

  #keep(name: string, kept: Kept): Requeue {
    if (this.#kept.get(name)?.why !== kept.why) this.#options.onKept(name, kept.why)
    this.#kept.set(name, kept)
    return this.#nextLook
  }

  /** Nothing tells when it goes: it can be of any kind. */
  get #nextLook(): Requeue {
    return { afterMs: this.#options.keptMs ?? KEPT_MS }
  }
}
