import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DistributionIndexEntry, indexedLabel, type PolicyIndexEntry, policyIndexNames } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { compileDistribution, distributionOf } from '../distributions/compiled-distribution.ts'
import { distributionLike } from '../distributions/distribution.fixture.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { compilePolicy, type StoredPolicy } from '../policies/compiled-policy.ts'
import { type IndexEntry, type Indexed, type IndexedKind, indexedKinds, workloadIndex } from './kinds.ts'
import { planIndex } from './plan.ts'

type Labels = Record<string, string>

const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
const { entriesOf } = workloadIndex
const marked = <P extends Indexed>(policy: P): P => ({
  ...policy,
  metadata: { ...policy.metadata, labels: { [indexedLabel]: 'true' } },
})
const policy = (name: string, matchLabels: Labels, generation = 1): StoredPolicy =>
  policyLike({ allocationPolicy, labelSelector: { matchLabels } }, name, generation)
const always = { kind: workloadIndex, isPolicySettled: () => true, areEntriesSettled: () => true }
const none = { ...always, entries: undefined }

describe('the index of the policies of a namespace', () => {
  const [web, db] = [policy('web', { app: 'web' }), policy('db', { app: 'db' })]
  const entries = [...entriesOf(db), ...entriesOf(web)]

  it('is not made for one policy, and then of all that are settled, which count by it when every API server has it', () => {
    assert.deepEqual(planIndex({ ...none, policies: [web] }).write, undefined)
    const young = planIndex({ ...none, policies: [web, db], isPolicySettled: () => false })
    assert.deepEqual([young.write, young.isWaiting], [undefined, true])
    assert.deepEqual(planIndex({ ...none, policies: [web, db] }).write, entries)
    const view = { ...always, policies: [web, db], entries }
    const fresh = planIndex({ ...view, areEntriesSettled: () => false })
    assert.deepEqual([fresh.mark, fresh.isWaiting], [[], true])
    assert.deepEqual(planIndex(view).mark, [web, db])
  })

  it('lets policies count by themselves when somebody has taken it away, or marked one that is not in it', () => {
    const policies = [marked(web), marked(db)]
    assert.deepEqual(planIndex({ ...none, policies }).unmark, policies)
    assert.deepEqual(planIndex({ ...always, policies, entries: entriesOf(db) }).unmark, [marked(web)])
  })

  it('is emptied and then removed when the policies are gone', () => {
    assert.deepEqual(planIndex({ ...always, policies: [], entries: entriesOf(web) }).write, [])
    assert.equal(planIndex({ ...always, policies: [], entries: [] }).remove, true)
  })

  it('leaves out what would make it too long, which goes on by itself', () => {
    const long = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${'k'.repeat(60)}${i}`, 'v'.repeat(63)]))
    const policies = Array.from({ length: 9 }, (_, i) => policy(`p${i}`, long))
    const { write = [], isWaiting } = planIndex({ ...none, policies })
    assert(write.length > 0 && write.length < policies.length && JSON.stringify(write).length < 32_768)
    const rest = planIndex({ ...always, policies, entries: write })
    assert.deepEqual([rest.write, isWaiting, rest.isWaiting, rest.mark.length], [undefined, false, false, write.length])
  })

  it('has all selectors of a DistributionPolicy or none of them, each with the one criterion that counts', () => {
    const kind = indexedKinds[policyIndexNames.DistributionPolicy] as IndexedKind<Indexed, IndexEntry>
    const labelSelector = { matchLabels: { app: 'web' } }
    const mixed = distributionLike(
      [
        { policyName: 'leaf', name: 'web-0', namePrefix: 'web-', labelSelector },
        { policyName: 'leaf', namePrefix: 'db-', labelSelector },
        { policyName: 'leaf', name: '', labelSelector },
        { policyName: 'leaf' },
      ],
      { name: 'mixed' },
    )
    const policy = 'mixed'
    const said = [{ policy, name: 'web-0' }, { policy, namePrefix: 'db-' }, { policy, labelSelector }, { policy }]
    assert.deepEqual(kind.entriesOf(mixed), said)
    const other = distributionLike([{ policyName: 'leaf' }], { name: 'other' })
    const view = { ...always, kind, policies: [mixed, other] }
    assert.deepEqual(planIndex({ ...view, entries: undefined }).write, [...said, { policy: 'other' }])
    const half = planIndex({ ...view, policies: [marked(mixed), other], entries: said.slice(1) })
    assert.deepEqual([half.unmark, half.mark], [[marked(mixed)], []])
    const many = Array.from({ length: 17 }, (_, i) =>
      distributionLike(
        Array.from({ length: 64 }, () => ({ policyName: 'leaf' })),
        { name: `p${i}` },
      ),
    )
    const { write = [] } = planIndex({ ...view, policies: many, entries: undefined })
    assert.equal(write.length, 1024)
  })
})

/** Policies of one kind by a name and the labels that they select, and what the scheduler itself makes of them and of an index. */
interface Sample {
  readonly kind: IndexedKind<Indexed, IndexEntry>
  of(name: string, labels: Labels, generation: number): Indexed
  selects(policies: readonly Indexed[], pod: Pod): boolean
  saysOf(entries: readonly IndexEntry[], pod: Pod): boolean
}

const workloads: Sample = {
  kind: workloadIndex as Sample['kind'],
  of: policy,
  selects: (policies, pod) => (policies as StoredPolicy[]).some((one) => compilePolicy(one).rank(pod) !== undefined),
  saysOf: (entries, pod) =>
    (entries as PolicyIndexEntry[]).some(
      (entry) => compilePolicy(policyLike({ allocationPolicy, ...entry }, entry.name)).rank(pod) !== undefined,
    ),
}
const isDistributed = (selectors: Parameters<typeof distributionLike>[0], pod: Pod) =>
  distributionOf(pod, [compileDistribution(distributionLike(selectors))]) !== undefined
const distributions: Sample = {
  kind: indexedKinds[policyIndexNames.ClusterDistributionPolicy] as Sample['kind'],
  of: (name, matchLabels, generation) => {
    const selectors = [
      { policyName: 'leaf', labelSelector: { matchLabels } },
      { policyName: 'host', name },
    ]
    const stored = distributionLike(selectors, { name, namespace: undefined })
    return { ...stored, metadata: { ...stored.metadata, generation } } as Indexed
  },
  selects: (policies, pod) =>
    policies.some((one) => isDistributed((one as ReturnType<typeof distributionLike>).spec.resourceSelectors, pod)),
  saysOf: (entries, pod) =>
    (entries as DistributionIndexEntry[]).some((entry) => isDistributed([{ policyName: 'leaf', ...entry }], pod)),
}

const SETTLE = 3
const name = fc.constantFrom('a', 'b', 'c')
const labels = fc.constantFrom<Labels>({ app: 'web' }, { app: 'db' }, { tier: 'x' }, {})
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('set'), name, labels }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('delete'), name }) },
  { weight: 9, arbitrary: fc.record({ what: fc.constant('work') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('work, and die'), writes: fc.integer({ min: 0, max: 3 }) }) },
)

interface Moment {
  readonly policies: ReadonlyMap<string, Indexed>
  readonly entries: readonly IndexEntry[] | undefined
}

/** A root in which policies change, a scheduler that works and dies, and API servers that are behind with what they watch. */
class Model {
  readonly history: Moment[] = [{ policies: new Map(), entries: undefined }]
  readonly #sample: Sample
  #since = new Map<string, number>()

  constructor(sample: Sample) {
    this.#sample = sample
  }

  get now(): Moment {
    return this.history.at(-1) as Moment
  }

  /** One step of time. */
  do(one: { what: string; name?: string; labels?: Labels; writes?: number }): void {
    const policies = new Map(this.now.policies)
    this.history.push({ ...this.now, policies })
    const { name = '', labels = {} } = one
    if (one.what === 'delete') policies.delete(name)
    if (one.what === 'set') {
      const generation = (policies.get(name)?.metadata.generation ?? 0) + 1
      // As admission.yaml has it: whoever changes a policy takes its label off.
      policies.set(name, this.#sample.of(name, labels, generation))
    }
    if (one.what.startsWith('work')) this.#work(one.writes ?? Number.POSITIVE_INFINITY)
    if (one.writes !== undefined) this.#since = new Map()
  }

  #work(writes: number): void {
    const { kind } = this.#sample
    const { policies, entries } = this.now
    const all = [...policies.values()]
    const time = this.history.length
    const said = Map.groupBy(entries ?? [], (entry) => kind.policyOf(entry))
    const things = [...all.map((one) => this.#id(one)), ...[...said.values()].map((one) => JSON.stringify(one))]
    this.#since = new Map(things.map((thing) => [thing, this.#since.get(thing) ?? time]))
    const isSettled = (thing: string) => time - (this.#since.get(thing) ?? time) >= SETTLE
    const plan = planIndex({
      kind,
      policies: all,
      entries,
      isPolicySettled: (one) => isSettled(this.#id(one)),
      areEntriesSettled: (some) => isSettled(JSON.stringify(some)),
    })
    const mark = (one: Indexed, isMarked: boolean) => () => {
      const next = isMarked ? marked(one) : { ...one, metadata: { ...one.metadata, labels: {} } }
      this.#set({ ...this.now, policies: new Map([...this.now.policies, [one.metadata.name, next as Indexed]]) })
    }
    const requests = [
      ...plan.unmark.map((one) => mark(one, false)),
      ...(plan.write
        ? [() => this.#set({ ...this.now, entries: plan.write })]
        : plan.mark.map((one) => mark(one, true))),
      ...(plan.remove ? [() => this.#set({ ...this.now, entries: undefined })] : []),
    ]
    for (const request of requests.slice(0, writes)) request()
  }

  #set(moment: Moment): void {
    this.history[this.history.length - 1] = moment
  }

  #id = ({ metadata }: Indexed) => `${metadata.name}/${metadata.generation}`

  /** Whether an API server gates a pod that knows policies and indexes of some time ago. */
  isGated(pod: Pod, behind: { policies: number; index: number }): boolean {
    const { entries = [] } = this.history.at(-1 - behind.index) ?? {}
    const bySelf = [...(this.history.at(-1 - behind.policies)?.policies.values() ?? [])].filter(
      ({ metadata }) => metadata.labels?.[indexedLabel] === undefined,
    )
    return this.#sample.saysOf(entries, pod) || this.#sample.selects(bySelf, pod)
  }
}

describe('a pod that a policy selects', () => {
  const pods = [{ app: 'web' }, { app: 'db' }, { tier: 'x' }, {}].map((of) => podLike({ labels: of }))

  for (const [what, sample] of Object.entries({ WorkloadPolicies: workloads, DistributionPolicies: distributions })) {
    it(`is gated at every moment, by API servers that are behind as well, and in the end no others are: ${what}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
          const model = new Model(sample)
          const check = () => {
            for (let policies = 0; policies < SETTLE; policies++) {
              const known = [...(model.history.at(-1 - policies)?.policies.values() ?? [])]
              const still = known.filter(({ metadata }) => model.now.policies.has(metadata.name))
              for (let index = 0; index < SETTLE; index++) {
                for (const pod of pods.filter((one) => sample.selects(still, one))) {
                  const why = () => JSON.stringify([pod.metadata.labels, policies, index])
                  assert(model.isGated(pod, { policies, index }), why())
                }
              }
            }
          }
          for (const one of steps) {
            model.do(one)
            check()
          }
          for (let i = 0; i < 4 * SETTLE; i++) {
            model.do({ what: 'work' })
            check()
          }
          const all = [...model.now.policies.values()]
          if (all.length > 1) assert(all.every(({ metadata }) => metadata.labels?.[indexedLabel]))
          for (const pod of pods) {
            assert.equal(model.isGated(pod, { policies: 0, index: 0 }), sample.selects(all, pod))
          }
        }),
        { numRuns: 100 },
      )
    })
  }
})
