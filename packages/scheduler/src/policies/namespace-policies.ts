import { workloadPolicyLabel } from '@kosmos/api'
import type { LabelSelector, ObjectKey, Pod } from '@kosmos/kube'
import { type CompiledPolicy, isBefore, policyOf } from './compiled-policy.ts'
import { type WorkloadName, workloadsOf } from './workload.ts'

/**
 * The policies of one namespace, each found by a sign that every pod it means carries: so a pod is held against a few of
 * them, however many there are.
 */
export class NamespacePolicies {
  readonly #policies = new Map<ObjectKey, { readonly policy: CompiledPolicy; readonly signs: readonly string[] }>()
  readonly #bySign = new Map<string, Set<CompiledPolicy>>()

  get size(): number {
    return this.#policies.size
  }

  /** The one that places a pod, see {@link policyOf}. */
  of(pod: Pod): CompiledPolicy | undefined {
    return policyOf(pod, this.#meaning(pod))
  }

  /** Those that name a workload, the one that decides first. */
  naming(workload: WorkloadName): CompiledPolicy[] {
    return [...this.#carrying(signOf.workload(workload))].sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  set(policy: CompiledPolicy): void {
    this.delete(policy.key)
    const { name, workload, selector } = policy
    const signs = [
      signOf.name(name),
      ...(workload ? [signOf.workload(workload)] : []),
      ...(selector ? this.#rarest(selector) : []),
    ]
    this.#policies.set(policy.key, { policy, signs })
    for (const sign of signs) {
      const those = this.#bySign.get(sign) ?? new Set<CompiledPolicy>()
      this.#bySign.set(sign, those.add(policy))
    }
  }

  delete(key: ObjectKey): void {
    const { policy, signs = [] } = this.#policies.get(key) ?? {}
    if (policy === undefined) return
    this.#policies.delete(key)
    for (const sign of signs) {
      const those = this.#bySign.get(sign)
      those?.delete(policy)
      if (those?.size === 0) this.#bySign.delete(sign)
    }
  }

  /** Those that may mean a pod; some of them twice. */
  *#meaning(pod: Pod): IterableIterator<CompiledPolicy> {
    for (const sign of signsOn(pod)) yield* this.#carrying(sign)
  }

  #carrying(sign: string): Iterable<CompiledPolicy> {
    return this.#bySign.get(sign) ?? []
  }

  /** Of a selector's requirements the one that the fewest other policies are found by. */
  #rarest({ requirements }: LabelSelector): readonly string[] {
    const known = (signs: readonly string[]) =>
      signs.reduce((sum, sign) => sum + (this.#bySign.get(sign)?.size ?? 0), 0)
    const choices = requirements.flatMap((one) => {
      const signs = signsFor(one)
      return signs ? [{ signs, known: known(signs) }] : []
    })
    return choices.sort((a, b) => a.known - b.known)[0]?.signs ?? [signOf.any]
  }
}

/** What a pod carries, as text. */
const signOf = {
  /** Of policies that want no label to be there. */
  any: 'any',
  name: (name: string) => `policy ${name}`,
  workload: ({ kind, name }: WorkloadName) => `workload ${kind} ${name}`,
  label: (key: string, value: string) => `label ${key}=${value}`,
  labelKey: (key: string) => `label ${key}`,
}

function* signsOn(pod: Pod): IterableIterator<string> {
  const { labels = {} } = pod.metadata
  yield signOf.any
  yield signOf.name(labels[workloadPolicyLabel] ?? '')
  yield* workloadsOf(pod).map(signOf.workload)
  for (const [key, value] of Object.entries(labels)) {
    yield signOf.label(key, value)
    yield signOf.labelKey(key)
  }
}

/** One of them is on every pod that meets a requirement; undefined: it is met by pods without the label as well. */
function signsFor({ key, operator, values }: LabelSelector['requirements'][number]): readonly string[] | undefined {
  if (operator === 'In') return values.map((value) => signOf.label(key, value))
  return operator === 'Exists' ? [signOf.labelKey(key)] : undefined
}
