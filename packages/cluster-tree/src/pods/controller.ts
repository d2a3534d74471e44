import { hash } from 'node:crypto'
import { orphanLabel, rootClusterLabel, tokenSecretAnnotation } from '@kosmos/api'
import {
  ApiError,
  type Client,
  Controller,
  type Informer,
  isGone,
  type KubeObject,
  type ObjectKey,
  type Outcome,
  type Pod,
  pods,
  type ReconcileObservation,
  type Requeue,
  refOf,
  type Taint,
} from '@kosmos/kube'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { Home } from '../nodes/home.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import type { PodTokens } from '../tokens/controller.ts'
import { changeCopy } from './change/change-copy.ts'
import { type CopyPatch, changesOf } from './change/changes.ts'
import { decide, isCopyOf, nameTaken, nodeRetiring, type PodAction } from './decide.ts'
import { restartsOf } from './disruption/restarts.ts'
import {
  changeRefused,
  createdInLeaf,
  notFound,
  notTranslatable,
  omitted,
  recreated,
  stuckInLeaf,
  vanishedInLeaf,
  waitingInRoot,
} from './events.ts'
import { Expectations } from './expectations.ts'
import { type Needs, NOTHING_NEEDED, type PodNeeds } from './needs/needs.ts'
import type { Reference } from './needs/references.ts'
import { withGlobalAddresses } from './status/global-addresses.ts'
import { withRootNames } from './status/root-names.ts'
import type { StatusPatch } from './status/status-patch.ts'
import { translate } from './translate/translate.ts'
import type { ApiServerAddress, LeafContext } from './translate/translation.ts'
import { failedIn, isNamespaceStarting, namespaceRefused, Refusals, waitingFor } from './waiting/refusal.ts'
import { uninvited } from './waiting/uninvited.ts'
import { type Waiting, waitingStatus } from './waiting/waiting.ts'

export interface PodControllerOptions {
  readonly context: Pick<LeafContext, 'rootClusterId' | 'clusterName' | 'trustBundles' | 'podCertificates'>
  /** Where pods of the leaf reach the root's API server now; undefined: they get no tokens. */
  readonly apiServer: () => ApiServerAddress | undefined
  /** Whether pods may talk to the leaf's API server instead. */
  readonly leafApi: () => boolean
  /** What priority classes of the root are called in the leaf now. */
  readonly priorityClasses: () => Readonly<Record<string, string>>
  readonly tokens: Pick<PodTokens, 'prepare'>
  readonly needs: PodNeeds
  /** Where in the leaf the pods of a virtual node may run; undefined when it takes no new ones. */
  readonly homeOf: (nodeName: string) => Home | undefined
  /** Resources of a virtual node of which its leaf nodes have none. */
  readonly rootResourcesOf: (nodeName: string) => readonly string[]
  readonly taintsOf: (nodeName: string) => readonly Taint[]
  /** The resourceVersion that the root's pods have reached. */
  readonly rootVersion: () => string | undefined
  /** A copy is kept that the root has lost. */
  readonly onOrphan: (pod: ObjectKey) => void
  readonly root: Client
  readonly leaf: Client
  readonly rootPods: Pick<PodsOnNodes, 'synced' | 'subscribe' | 'get' | 'anywhere' | 'onNextChange'>
  readonly leafPods: Informer<Pod, 'namespace'>
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  readonly events: EventSink
  /** Whether a copy that the leaf ends is made again, instead of the root pod failing. */
  readonly recreate: () => boolean
  /** By which addresses others know the leaf's networks. */
  readonly globalCIDRs: () => Readonly<Record<string, string>>
  /** Whether both sides' watches are alive. */
  readonly isCurrent: () => boolean
  readonly concurrency?: number
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Keeps the pods of a leaf's virtual nodes and their copies in the leaf in step: intent down, status up. */
export class PodController {
  readonly controller: Controller
  readonly #options: PodControllerOptions
  readonly #refusals = new Refusals()
  readonly #changeRefusals = new Refusals()
  /** Since when the leaf answers with errors or lacks what a new namespace gets by itself, in ms of this process. */
  readonly #lackingSince = new Map<ObjectKey, number>()
  readonly #rootWrites = new Expectations()
  readonly #leafWrites = new Expectations()
  /** Statuses that changed nothing in the root, and the version of the root pod that was so. */
  readonly #inVain = new Map<ObjectKey, string>()
  /** How leaf pods looked when they went, while their root pods still need to be told. */
  readonly #lastLeaf = new Map<ObjectKey, Pod>()
  readonly #wake = (key: ObjectKey) => this.controller.enqueue(key)

  constructor(options: PodControllerOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'pods',
      concurrency: options.concurrency ?? 48,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.controller.watch(options.rootPods, (change) => {
      this.#options.needs.register(change.key, change.type === 'deleted' ? undefined : change.object)
      if (change.type === 'deleted') this.#forget(change.key)
      return [change.key]
    })
    this.controller.watch(options.leafPods, (change) => {
      if (change.type === 'deleted') {
        this.#lastLeaf.set(change.key, change.object)
        this.#leafWrites.forget(change.key)
      } else this.#lastLeaf.delete(change.key)
      return [change.key]
    })
  }

  /** Looks at every pod again: after a watch was away, what was decided meanwhile was decided on old knowledge. */
  resume(): void {
    for (const { metadata } of this.#options.leafPods.store.values()) {
      this.controller.enqueue(`${metadata.namespace}/${metadata.name}`)
    }
    this.#options.rootPods.subscribe(({ key }) => this.controller.enqueue(key))()
  }

  /** Looks again at the pods of a namespace that have no copy: what they waited for may be there. */
  look(namespace: string): void {
    this.#options.rootPods.subscribe(({ key, object }) => {
      if (object.metadata.namespace === namespace && !this.#options.leafPods.get(key)) this.controller.enqueue(key)
    })()
  }

  #forget(key: ObjectKey): void {
    this.#refusals.forget(key)
    this.#changeRefusals.forget(key)
    this.#rootWrites.forget(key)
    this.#lackingSince.delete(key)
    this.#inVain.delete(key)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { context, rootPods, leafPods, isCurrent } = this.#options
    const root = rootPods.get(key)
    const leaf = leafPods.get(key)
    if (this.#rootWrites.isPending(key, root) || this.#leafWrites.isPending(key, leaf)) return { afterMs: 5_000 }
    if (!root && !leaf) {
      this.#lastLeaf.delete(key)
      // What the leaf refused may have been on its way when the pod went.
      this.#forget(key)
    }
    const now = Date.now()
    const needs = root && !leaf ? this.#options.needs.of(root) : NOTHING_NEEDED
    const inVain = this.#inVain.get(key)
    const action = decide({
      rootClusterId: context.rootClusterId,
      current: isCurrent(),
      isInVain: (patch) => root !== undefined && inVain !== undefined && inVain === attemptOf(root, patch),
      recreate: this.#options.recreate(),
      root,
      leaf: this.#asSeen(leaf, root),
      lastLeaf: this.#asSeen(this.#lastLeaf.get(key), root),
      changes: () => (root && leaf ? this.#changes(key, root, leaf, now) : []),
      missing: needs.missing,
      blocked:
        needs.blocked ??
        (root && !leaf ? this.#unwanted(root) : undefined) ??
        this.#refusals.of(key, root?.metadata.uid, now),
      rootVersion: this.#options.rootVersion(),
      now,
    })
    return await this.#act(key, action, root, leaf, needs, now)
  }

  /** In the addresses and names by which the root knows things. */
  #asSeen(leaf: Pod | undefined, root: Pod | undefined): Pod | undefined {
    const seen = leaf && withGlobalAddresses(leaf, this.#options.globalCIDRs())
    return seen && root ? withRootNames(seen, root, this.#options.context.rootClusterId) : seen
  }

  #changes(key: ObjectKey, root: Pod, leaf: Pod, now: number): readonly CopyPatch[] {
    if (!isCopyOf(leaf, root) || this.#changeRefusals.of(key, root.metadata.uid, now)) return []
    const home = this.#homeOf(root) ?? { kind: 'cluster' }
    // A copy keeps the volumes that it was made with.
    const hasTokens = leaf.metadata.annotations?.[tokenSecretAnnotation] !== undefined
    const apiServer = hasTokens ? this.#options.apiServer() : undefined
    const { context, needs } = this.#options
    const nameOf = needs.nameOf(root.metadata.namespace)
    // What has become forbidden meanwhile is no reason to leave the labels of a copy behind.
    const rootResources = this.#options.rootResourcesOf(root.spec.nodeName ?? '')
    return changesOf(root, leaf, { ...context, home, apiServer, leafApi: true, rootResources, nameOf })
  }

  /** Why the pod should not be on its virtual node at all. */
  #unwanted(root: Pod): Waiting | undefined {
    if (!this.#homeOf(root)) return nodeRetiring(root)
    return uninvited(root, this.#options.taintsOf(root.spec.nodeName ?? ''))
  }

  #homeOf({ spec }: Pod): Home | undefined {
    return this.#options.homeOf(spec.nodeName ?? '')
  }

  async #act(
    key: ObjectKey,
    action: PodAction,
    root: Pod | undefined,
    leaf: Pod | undefined,
    needs: Needs,
    now: number,
  ): Promise<Requeue> {
    const { events, context } = this.#options
    switch (action.do) {
      case 'none':
        return action.afterMs ? { afterMs: action.afterMs } : this.#changeRefusals.retry(key, now)
      case 'changeLeaf':
        return root && (await this.#changeLeaf(key, root, action.changes))
      case 'create':
        // The copy of what it needs wakes this key when it is there.
        return root && !needs.pending ? await this.#create(key, root, needs.absent) : undefined
      case 'deleteLeaf':
        if (action.reason === 'RootPodGone' && leaf && (await this.#isAlive(key, leaf))) return
        return await this.#deleteLeaf(key, action.uid, action.gracePeriodSeconds)
      case 'keepOrphan': {
        const labels = { [orphanLabel]: 'true' }
        const patch = { metadata: { uid: action.uid, labels } }
        const outcome = await this.#options.leaf.patch(pods, refOf(key), patch, { type: 'merge' })
        if (outcome.ok) this.#options.onOrphan(key)
        // Unmarked, it would be ended as soon as the root has got further.
        else if (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid')
          throw new Error(
            `pod ${key} cannot be marked as an orphan in ${this.#options.leaf.name}: ${outcome.status.message}`,
          )
        return
      }
      case 'deleteRoot':
        if (root) events.record(root, stuckInLeaf(context.clusterName))
        await this.#deleteRoot(key, { uid: action.uid })
        return
      case 'finishRoot':
        await this.#deleteRoot(key, { uid: action.uid, gracePeriodSeconds: 0 })
        return
      case 'reflect': {
        const written = await this.#patchRoot(key, action.patch)
        // No event follows, and what else is to be done waits for none.
        const isInVain = root !== undefined && written === root.metadata.resourceVersion
        if (!isInVain || action.reason !== 'StatusChanged') return
        this.#inVain.set(key, attemptOf(root, action.patch))
        return AT_ONCE
      }
      case 'failRoot':
        if (root) events.record(root, vanishedInLeaf(context.clusterName))
        await this.#patchRoot(key, action.patch)
        return
      case 'wait':
        if (action.patch) {
          const notices = action.missing?.map(notFound) ?? [waitingInRoot(action)]
          if (root) for (const notice of notices) events.record(root, notice)
          await this.#patchRoot(key, action.patch)
        }
        return this.#refusals.retry(key, now)
    }
  }

  async #create(key: ObjectKey, root: Pod, absent: readonly Reference[]): Promise<Requeue> {
    const { context, leaf, events, apiServer, leafApi, priorityClasses, tokens, needs } = this.#options
    const home = this.#homeOf(root)
    if (!home) return
    const nameOf = needs.nameOf(root.metadata.namespace)
    const now = {
      home,
      apiServer: apiServer(),
      leafApi: leafApi(),
      priorityClasses: priorityClasses(),
      rootResources: this.#options.rootResourcesOf(root.spec.nodeName ?? ''),
      nameOf,
    }
    const { pod, omissions, problems } = translate(root, { ...context, ...now })
    const problem = problems[0]
    if (problem) {
      // Only a change of the root pod or of the Cluster can mend it, and that brings the key back.
      const patch = waitingStatus(root, problem)
      if (patch) events.record(root, notTranslatable(problem))
      if (patch) await this.#patchRoot(key, patch)
      return
    }
    const notIssued = pod.metadata.annotations[tokenSecretAnnotation] && (await tokens.prepare(root))
    if (notIssued) return this.#block(key, root, notIssued)
    const before = restartsOf(root)
    const annotations = { ...pod.metadata.annotations, ...before }
    const copy = { ...pod, metadata: { ...pod.metadata, annotations } }
    const outcome = await this.#asked(key, () => leaf.create<KubeObject>(pods, copy, { metadataOnly: true }))
    if (outcome instanceof ApiError) return this.#block(key, root, failedIn(context.clusterName, outcome))
    if (!outcome.ok) return await this.#refused(key, root, outcome)
    this.#expectLeaf(key, outcome.object)
    this.#refusals.forget(key)
    this.#lackingSince.delete(key)
    const isFirst = Object.keys(before).length === 0
    events.record(root, (isFirst ? createdInLeaf : recreated)(context.clusterName))
    for (const notice of [...omissions.map(omitted), ...absent.map(notFound)]) events.record(root, notice)
    return
  }

  async #refused(key: ObjectKey, root: Pod, outcome: Extract<Outcome<unknown>, { ok: false }>): Promise<Requeue> {
    const { context, leaf } = this.#options
    const { namespace } = root.metadata
    if (isNamespaceStarting(outcome) && this.#isPassing(key)) return { afterMs: 100 }
    let waiting = waitingFor(outcome, context.clusterName)
    if (outcome.reason === 'NotFound') {
      const ensured = await this.#options.namespaces.ensure(namespace)
      if (ensured === 'created') return AT_ONCE
      // It is there by now, or something else is missing than the namespace.
      if (ensured === 'present' && this.#isPassing(key)) return { afterMs: 100 }
      if (ensured !== 'present') waiting = namespaceRefused(ensured, namespace, context.clusterName)
    }
    if (outcome.reason === 'AlreadyExists') {
      const present = await leaf.get(pods, refOf(key))
      // Ours, or gone again: the watch is about to say so.
      if (!present || present.metadata.labels?.[rootClusterLabel] === context.rootClusterId) return { afterMs: 200 }
      waiting = nameTaken(root.metadata)
    }
    return this.#block(key, root, waiting)
  }

  /** What the leaf answers, also if it is an error that does not pass by itself. */
  async #asked<T>(key: ObjectKey, request: () => Promise<T>): Promise<T | ApiError> {
    try {
      return await request()
    } catch (error) {
      if (error instanceof ApiError && !this.#isPassing(key)) return error
      throw error
    }
  }

  /** Whether what the leaf lacks may still come by itself in a moment; afterwards something is the matter there. */
  #isPassing(key: ObjectKey): boolean {
    const since = this.#lackingSince.get(key) ?? performance.now()
    this.#lackingSince.set(key, since)
    return performance.now() - since < PASSING_MS
  }

  /** Not now, and the root pod says why. */
  #block(key: ObjectKey, root: Pod, waiting: Waiting): Requeue {
    this.#refusals.add(key, root.metadata.uid, waiting, Date.now())
    return AT_ONCE
  }

  async #changeLeaf(key: ObjectKey, root: Pod, changes: readonly CopyPatch[]): Promise<Requeue> {
    const { leaf, context, events } = this.#options
    const tell = (said: string) => events.record(root, changeRefused(context.clusterName, said))
    const change = await changeCopy(leaf, key, changes, (copy) => this.#expectLeaf(key, copy))
    if (change.kind === 'gone') return
    if (change.kind === 'refused') {
      tell(change.outcome.status.message ?? change.outcome.reason)
      this.#changeRefusals.add(key, root.metadata.uid, waitingFor(change.outcome, context.clusterName), Date.now())
      return AT_ONCE
    }
    for (const subresource of change.unknown) tell(`its Kubernetes has no ${subresource}`)
    this.#changeRefusals.forget(key)
    return
  }

  /**
   * Whether the root pod of a copy is there although it is not among ours: its node is not ours now, or the cache is behind the
   * root, which is asked itself before a running pod is ended. If so, its next change brings the key back.
   */
  async #isAlive(key: ObjectKey, leaf: Pod): Promise<boolean> {
    const { root, rootPods } = this.#options
    // Before the root is asked: the pod may go meanwhile.
    const forget = rootPods.onNextChange(key, this.#wake)
    let alive = false
    try {
      const known = rootPods.anywhere(key)
      const live = known && isCopyOf(leaf, known) ? known : await root.get(pods, refOf(key))
      alive = live !== undefined && isCopyOf(leaf, live)
    } finally {
      if (!alive) forget()
    }
    return alive
  }

  async #deleteLeaf(key: ObjectKey, uid: string, gracePeriodSeconds: number): Promise<Requeue> {
    const options = { uid, gracePeriodSeconds, metadataOnly: true }
    const outcome = await this.#options.leaf.delete<KubeObject>(pods, refOf(key), options)
    if (outcome.ok) this.#expectLeaf(key, outcome.object)
    else if (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid') {
      throw new Error(`pod ${key} cannot be deleted in ${this.#options.leaf.name}: ${outcome.status.message}`)
    }
    return
  }

  /** Waits for the watch to show a write; not if it has shown meanwhile that the pod is gone, which nothing follows. */
  #expectLeaf(key: ObjectKey, written: KubeObject): void {
    if (this.#lastLeaf.get(key)?.metadata.uid === written.metadata?.uid) return
    this.#leafWrites.expect(key, written)
  }

  #expectRoot(key: ObjectKey, written: KubeObject): void {
    if (this.#options.rootPods.get(key)?.metadata.uid !== written.metadata?.uid) return
    this.#rootWrites.expect(key, written)
  }

  async #deleteRoot(key: ObjectKey, options: { uid: string; gracePeriodSeconds?: number }): Promise<void> {
    const outcome = await this.#options.root.delete<KubeObject>(pods, refOf(key), { ...options, metadataOnly: true })
    if (!outcome.ok && (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid')) {
      throw new Error(`pod ${key} cannot be removed from the root: ${outcome.status.message}`)
    }
  }

  /** Returns the version of the root pod then. */
  async #patchRoot(key: ObjectKey, patch: StatusPatch): Promise<string | undefined> {
    const outcome = await this.#options.root.patch<KubeObject>(pods, refOf(key), patch, {
      type: 'strategic',
      subresource: 'status',
      metadataOnly: true,
    })
    if (outcome.ok) {
      this.#expectRoot(key, outcome.object)
      return outcome.object.metadata?.resourceVersion
    }
    // Gone, or another incarnation: not the one this status was meant for.
    if (isGone(outcome)) return undefined
    throw new Error(`status of pod ${key} cannot be written: ${outcome.status.message}`)
  }
}

/** Tells one attempt to write a status from others. */
function attemptOf({ metadata: { resourceVersion } }: Pod, patch: StatusPatch): string {
  return hash('sha1', `${resourceVersion} ${JSON.stringify(patch)}`)
}

const AT_ONCE = { afterMs: 0 } as const

/** How long a control plane that is well takes at most for what each namespace gets, and to answer properly again. */
const PASSING_MS = 10_000
