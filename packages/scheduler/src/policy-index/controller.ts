import { indexedLabel } from '@kosmos/api'
import {
  type Client,
  Controller,
  type ControllerOptions,
  isOvertaken,
  keyOf,
  type ObjectKey,
  refOf,
  refused,
} from '@kosmos/kube'
import { type IndexEntry, type Indexed, type IndexedKind, indexedKinds } from './kinds.ts'
import { planIndex } from './plan.ts'
import { policyIndexes, type StoredIndex } from './resource.ts'

export interface PolicyIndexOptions {
  readonly root: Client
  /** What an index is for, by its name and the namespace that it is in. */
  readonly policiesOf: (index: string, namespace: string) => Iterable<Indexed>
  readonly indexOf: (key: ObjectKey) => StoredIndex | undefined
  readonly synced: Promise<unknown>
  /** How long until every API server knows what one of them has told us. */
  readonly settleMs?: number
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** An API server whose watches are further behind is one that answers nobody any more. */
const SETTLE_MS = 10_000

/** What an API server says of an apply with a field that its version of the kind does not have. */
const UNKNOWN_FIELD = /field not declared in schema/

/** Keeps the indexes, by which the API server asks one object instead of all policies. Works on indexes, whether there or not. */
export class PolicyIndexController {
  readonly controller: Controller<ObjectKey>
  readonly #options: PolicyIndexOptions
  readonly #settleMs: number
  /** Since when policies and entries of indexes are as they are; by index, by what they are. */
  readonly #since = new Map<ObjectKey, ReadonlyMap<string, number>>()
  /** The last answers to our writes. */
  readonly #written = new Map<ObjectKey, StoredIndex>()

  constructor(options: PolicyIndexOptions) {
    this.#options = options
    this.#settleMs = options.settleMs ?? SETTLE_MS
    this.controller = new Controller<ObjectKey>({
      name: 'policy-index',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 4,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** Of so many indexes something is known. */
  get remembered(): number {
    return new Set([...this.#since.keys(), ...this.#written.keys()]).size
  }

  /** A policy has changed that an index is for, or the index itself. */
  changed(name: string, namespace: string): void {
    if (name in indexedKinds) this.controller.enqueue(keyOf({ metadata: { namespace, name } }))
  }

  async #reconcile(key: ObjectKey) {
    const { namespace = '', name } = refOf(key)
    const kind = indexedKinds[name]
    if (kind === undefined) return
    const policies = [...this.#options.policiesOf(name, namespace)]
    const index = this.#indexOf(key)
    const entries = index && kind.read(index.spec)
    const said = Map.groupBy(entries ?? [], kind.policyOf)
    const isSettled = this.#settled(key, [...policies.map(versionOf), ...[...said.values()].map(textOf)])
    const plan = planIndex({
      kind,
      policies,
      entries,
      isPolicySettled: (policy) => isSettled(versionOf(policy)),
      // As the API server returns them, the order of whose fields may be another.
      areEntriesSettled: ([first]) => first !== undefined && isSettled(textOf(said.get(kind.policyOf(first)) ?? [])),
    })
    for (const policy of plan.unmark) await this.#mark(kind, policy, null)
    if (plan.write) await this.#write(key, kind.spec(plan.write))
    else for (const policy of plan.mark) await this.#mark(kind, policy, 'true')
    if (plan.remove && index) await this.#remove(index)
    return plan.isWaiting || plan.write ? { afterMs: this.#settleMs } : undefined
  }

  /** A watch from before a change of the kind leaves out what the kind did not have then, and nobody tells it: the answer has it. */
  #indexOf(key: ObjectKey): StoredIndex | undefined {
    const [seen, written] = [this.#options.indexOf(key), this.#written.get(key)]
    const { uid, resourceVersion } = seen?.metadata ?? {}
    // Gone with its namespace, or not told of yet: then it is written again, which changes nothing.
    if (seen === undefined) this.#written.delete(key)
    return uid === written?.metadata.uid && resourceVersion === written?.metadata.resourceVersion ? written : seen
  }

  /** Notes since when things are there, and forgets those that are not there any more. */
  #settled(index: ObjectKey, things: readonly string[]): (thing: string) => boolean {
    const now = performance.now()
    const old = this.#since.get(index)
    const since = new Map(things.map((thing) => [thing, old?.get(thing) ?? now]))
    if (since.size > 0) this.#since.set(index, since)
    else this.#since.delete(index)
    return (thing) => now - (since.get(thing) ?? now) >= this.#settleMs
  }

  async #write(key: ObjectKey, spec: StoredIndex['spec']): Promise<void> {
    const { namespace = '', name } = refOf(key)
    const object = { metadata: { namespace, name }, ...{ spec } }
    try {
      const outcome = await this.#options.root.apply<StoredIndex>(policyIndexes, object)
      // The namespace is gone, or for an index of the whole root not there yet: policies count by themselves.
      if (outcome.ok) this.#written.set(key, outcome.object)
      else if (outcome.reason !== 'NotFound') throw refused(`PolicyIndex ${key}`, outcome)
    } catch (error) {
      if (!(error instanceof Error && UNKNOWN_FIELD.test(error.message))) throw error
      const hint = 'the root has this kind of an older version, so policies count by themselves: kosmosctl install'
      throw new Error(`PolicyIndex ${key}: ${hint}`, { cause: error })
    }
  }

  /** With the version that was read: who changes the policy meanwhile gets no mark for what is not in the index. */
  async #mark({ resource }: IndexedKind<Indexed, IndexEntry>, policy: Indexed, value: 'true' | null): Promise<void> {
    const { uid, resourceVersion } = policy.metadata
    const metadata = { uid, ...(value && { resourceVersion }), labels: { [indexedLabel]: value } }
    const outcome = await this.#options.root.patch(resource, policy.metadata, { metadata }, { type: 'merge' })
    if (!outcome.ok && !isOvertaken(outcome)) throw refused(`${resource.kind} ${keyOf(policy)}`, outcome)
  }

  async #remove(index: StoredIndex): Promise<void> {
    const { uid, resourceVersion } = index.metadata
    const outcome = await this.#options.root.delete(policyIndexes, index.metadata, { uid, resourceVersion })
    this.#written.delete(keyOf(index))
    if (!outcome.ok && !isOvertaken(outcome)) throw refused(`PolicyIndex ${keyOf(index)}`, outcome)
  }
}

const versionOf = ({ metadata }: Indexed): string => `${metadata.uid}/${metadata.generation}`
const textOf = (entries: readonly IndexEntry[]): string => JSON.stringify(entries)
