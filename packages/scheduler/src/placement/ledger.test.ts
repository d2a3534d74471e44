import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { compiled, podLike } from '../pods.fixture.ts'
import { type CompiledPolicy, policyOf } from '../policies/compiled-policy.ts'
import { Ledger } from './ledger.ts'
import { freeSeat, place } from './place.ts'

const gate = { schedulingGates: [{ name: 'kosmos.io/placement' }] }
const policy = compiled({
  allocationPolicy: [
    { name: 'leaf1', replicas: 3 },
    { name: 'leaf2', replicas: 2 },
  ],
  allocationType: 'Required',
  labelSelector: {},
})
const askedBy = ({ spec }: Pod, { topologyKey }: CompiledPolicy) => {
  const asked = spec.nodeSelector?.[topologyKey]
  return asked === undefined ? undefined : new Set([asked])
}
const ledgerOf = (policies: readonly CompiledPolicy[] = [policy]) =>
  new Ledger({
    policyOf: (pod) => policyOf(pod, policies),
    askedBy,
    labelsOf: (node) => ({ 'kosmos.io/cluster': node.replace('kosmos-', '') }),
  })
const taken = (ledger: Ledger) => [...ledger.groupsOf(policy.key)].map((group) => [...group.taken])
const gated = (name: string) => podLike({ name, spec: gate })
const placed = (name: string, value: string, number: number) =>
  podLike({
    name,
    annotations: { 'kosmos.io/seat': String(number) },
    spec: { nodeSelector: { 'kosmos.io/cluster': value } },
  })

describe('the ledger', () => {
  it('counts a decision from the moment it is made, and once only when the API server shows it', () => {
    const ledger = ledgerOf()
    ledger.set(gated('a'), 'shop/a')
    assert.deepEqual(taken(ledger), [[0, 0]])
    ledger.promise(gated('a'), 'shop/a', { share: 1, number: 1 })
    assert.deepEqual(taken(ledger), [[0, 1]])
    // What the watch tells late does not undo it.
    ledger.set(gated('a'), 'shop/a')
    assert.deepEqual(ledger.promised('shop/a'), { share: 1, number: 1 })
    ledger.set(placed('a', 'leaf2', 1), 'shop/a')
    assert.deepEqual(taken(ledger), [[0, 1]])
    assert.equal(ledger.promised('shop/a'), undefined)
  })

  it('forgets a decision about an earlier pod of the same name', () => {
    const ledger = ledgerOf()
    ledger.set(gated('a'), 'shop/a')
    ledger.promise(gated('a'), 'shop/a', { share: 0, number: 1 })
    ledger.set({ ...gated('a'), metadata: { ...gated('a').metadata, uid: 'another' } }, 'shop/a')
    assert.deepEqual(taken(ledger), [[0, 0]])
  })

  it('counts pods that were bound by hand, and those from before the policy, by their node', () => {
    const ledger = ledgerOf()
    ledger.set(podLike({ name: 'a', spec: { nodeName: 'kosmos-leaf2' } }), 'shop/a')
    ledger.set(podLike({ name: 'b', spec: { nodeName: 'worker' } }), 'shop/b')
    const [group] = ledger.groupsOf(policy.key)
    assert.deepEqual([group?.taken, group?.elsewhere, group?.size], [[0, 1], 1, 2])
  })

  it('counts a pod at its place while its node is not known: told of later, or gone until it is rebuilt', () => {
    const labels = new Map<string, Record<string, string>>()
    const ledger = new Ledger({ policyOf: () => policy, askedBy, labelsOf: (node) => labels.get(node) })
    const onNode = (pod: Pod): Pod => ({ ...pod, spec: { ...pod.spec, nodeName: 'new-node' } })
    for (const [name, value] of Object.entries({ a: 'leaf1', b: 'leaf2' })) {
      ledger.set(onNode(placed(name, value, 1)), `shop/${name}`)
    }
    assert.deepEqual(taken(ledger), [[1, 1]])
    // As soon as it is known it says where its pods are.
    labels.set('new-node', { 'kosmos.io/cluster': 'leaf1' })
    for (const name of ['a', 'b']) ledger.set(onNode(placed(name, 'leaf1', 1)), `shop/${name}`)
    assert.deepEqual(taken(ledger), [[2, 0]])
  })

  it('names the pods whose turn it is while there is room: one of all that ask for the same', () => {
    const ledger = ledgerOf()
    const next = (names: string[]) => [{ policy: policy.key, next: names.map((name) => `shop/${name}`) }]
    for (const [i, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      ledger.set(placed(name, i < 3 ? 'leaf1' : 'leaf2', (i % 3) + 1), `shop/${name}`)
    }
    const picky = podLike({ name: 'x', spec: { ...gate, nodeSelector: { 'kosmos.io/cluster': 'leaf2' } } })
    assert.deepEqual(ledger.set(picky, 'shop/x'), next([]))
    for (const name of ['y', 'z']) assert.deepEqual(ledger.set(gated(name), `shop/${name}`), next([]))
    const ended = { ...placed('a', 'leaf1', 1), status: { phase: 'Failed' } }
    // What it asks for is full, as it was.
    assert.deepEqual(ledger.set(ended, 'shop/a'), next(['y']))
    assert.deepEqual(ledger.delete('shop/b'), next(['y']))
    // Two seats were free, and the first is given away: the next is called for the other.
    assert.deepEqual(ledger.promise(gated('y'), 'shop/y', { share: 0, number: 1 }), next(['z']))
    assert.deepEqual(ledger.promise(gated('z'), 'shop/z', { share: 0, number: 2 }), next([]))
    assert.deepEqual(ledger.delete('shop/d'), next(['x']))
  })

  it('gives no number away that a second pod has, since two workloads came under one count', () => {
    const ledger = ledgerOf()
    ledger.set(placed('a', 'leaf1', 1), 'shop/a')
    ledger.set(placed('b', 'leaf1', 1), 'shop/b')
    ledger.delete('shop/a')
    const [group] = ledger.groupsOf(policy.key)
    assert.deepEqual(freeSeat(0, group?.numbers(0) ?? assert.fail()), { share: 0, number: 2 })
    ledger.delete('shop/b')
    assert.equal(group?.numbers(0).has(1), false)
  })

  it('counts no pod at the gate of somebody else as well, and hands its turn to the next: it may not start for long', () => {
    const ledger = ledgerOf()
    const other = podLike({
      name: 'a',
      spec: { schedulingGates: [...gate.schedulingGates, { name: 'example.org/quota' }] },
    })
    assert.deepEqual(ledger.set(other, 'shop/a'), [])
    assert.deepEqual(
      ledger.set(gated('b'), 'shop/b').map(({ next }) => next),
      [['shop/b']],
    )
    assert.deepEqual(
      [...ledger.groupsOf(policy.key)].map(({ size }) => size),
      [1],
    )
    ledger.set(gated('a'), 'shop/a')
    assert.deepEqual(
      [...ledger.groupsOf(policy.key)].map(({ size }) => size),
      [2],
    )
    // Who has its place already keeps it, whatever else it waits for.
    const open = placed('c', 'leaf1', 1)
    ledger.set({ ...open, spec: { ...open.spec, schedulingGates: [{ name: 'example.org/quota' }] } }, 'shop/c')
    assert.deepEqual(taken(ledger)[0]?.[0], 1)
  })

  it('starts anew with a policy that changed', () => {
    const policies = [policy]
    const ledger = ledgerOf(policies)
    ledger.set(placed('a', 'leaf1', 1), 'shop/a')
    policies[0] = { ...policy, shares: policy.shares.slice(1) }
    ledger.forget(policy.key)
    ledger.set(placed('a', 'leaf1', 1), 'shop/a')
    const [group] = ledger.groupsOf(policy.key)
    assert.deepEqual([group?.taken, group?.elsewhere], [[0], 1])
  })

  it('moves a pod from one count to another with its labels and its owner, and calls for the next at both', () => {
    const policyFor = (app: string) =>
      compiled({ allocationPolicy: [{ name: 'leaf1', replicas: 1 }], labelSelector: { matchLabels: { app } } }, app)
    const policies = [policyFor('a'), policyFor('b')]
    const ledger = ledgerOf(policies)
    const sizes = () => policies.map(({ key }) => [...ledger.groupsOf(key)].map(({ size }) => size))
    const pod = (name: string, app: string, owner: string) =>
      podLike({ name, labels: { app }, owner: { kind: 'ReplicaSet', name: owner }, spec: gate })
    ledger.set(pod('first', 'a', 'web-1'), 'shop/first')
    ledger.set(pod('second', 'a', 'web-1'), 'shop/second')
    assert.deepEqual(sizes(), [[2], []])
    assert.deepEqual(ledger.set(pod('first', 'b', 'web-1'), 'shop/first'), [
      { policy: 'shop/a', next: ['shop/second'] },
      { policy: 'shop/b', next: ['shop/first'] },
    ])
    assert.deepEqual(sizes(), [[1], [1]])
    ledger.set(pod('third', 'b', 'web-1'), 'shop/third')
    assert.deepEqual(ledger.set(pod('first', 'b', 'web-2'), 'shop/first'), [
      { policy: 'shop/b', next: ['shop/third'] },
      { policy: 'shop/b', next: ['shop/first'] },
    ])
    assert.deepEqual(sizes(), [[1], [1, 1]])
    for (const name of ['first', 'second', 'third']) ledger.delete(`shop/${name}`)
    assert.deepEqual(sizes(), [[], []])
    assert.equal(ledger.membership('shop/first'), undefined)
  })

  it('counts a pod at the place that it waits at, and nowhere any more when that is withdrawn', () => {
    const ledger = ledgerOf()
    ledger.set(gated('a'), 'shop/a')
    ledger.promise(gated('a'), 'shop/a', { share: 0, number: 1 }, true)
    const counts = () => [...ledger.groupsOf(policy.key)].map(({ held, waiting, taken }) => [held, waiting, ...taken])
    assert.deepEqual(counts(), [[1, 0, 1, 0]])
    assert(ledger.isHeld('shop/a'))
    ledger.withdraw(gated('a'), 'shop/a')
    assert.deepEqual(counts(), [[0, 1, 0, 0]])
    assert.throws(() => ledger.promise(gated('a'), 'shop/a', { share: 7, number: 1 }), /has no share 7/)
  })

  it('knows nothing of a pod that is gone, and all of those beside it', () => {
    const ledger = ledgerOf()
    for (const name of ['a', 'b']) ledger.set(gated(name), `shop/${name}`)
    ledger.promise(gated('a'), 'shop/a', { share: 0, number: 1 })
    ledger.delete('shop/a')
    assert.equal(ledger.membership('shop/a'), undefined)
    assert.equal(ledger.isPromised('shop/a'), false)
    ledger.forget('shop/another')
    assert.equal(ledger.membership('shop/b')?.policy, policy)
  })

  it('counts the revisions of a workload together where its policy says so', () => {
    const policies = [{ ...policy, countsRevisions: false }]
    const ledger = ledgerOf(policies)
    for (const name of ['web-1', 'web-2']) {
      ledger.set(podLike({ name, owner: { kind: 'ReplicaSet', name }, spec: gate }), `shop/${name}`)
    }
    assert.deepEqual(
      [...ledger.groupsOf(policy.key)].map(({ size }) => size),
      [2],
    )
  })

  it('comes to the counts that the pods say, whatever happened before, and never lets a share have too many', () => {
    type Action = { pod: number; what: 'create' | 'place' | 'show' | 'refuse' | 'end' | 'delete' }
    const action = fc.record<Action>({
      pod: fc.nat(9),
      what: fc.constantFrom('create', 'place', 'place', 'show', 'refuse', 'end', 'delete'),
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const ledger = ledgerOf()
        const pods = new Map<ObjectKey, Pod>()
        const tell = (pod: Pod) => ledger.set(pods.set(keyOf(pod), pod).get(keyOf(pod)) ?? pod, keyOf(pod))
        for (const { pod: number, what } of actions) act(ledger, pods, tell, `p${number}`, what)
        const fresh = ledgerOf()
        for (const [key, pod] of pods) fresh.set(shown(ledger, pod, key), key)
        assert.deepEqual(taken(ledger), taken(fresh))
        for (const counts of taken(ledger)) assert((counts[0] ?? 0) <= 3 && (counts[1] ?? 0) <= 2, `${counts}`)
      }),
    )
  })
})

/** The pod as it will be once the API server has what was decided. */
function shown(ledger: Ledger, pod: Pod, key: ObjectKey): Pod {
  const seat = ledger.promised(key)
  return seat ? placed(pod.metadata.name, policy.shares[seat.share]?.name ?? '', seat.number) : pod
}

function act(
  ledger: Ledger,
  pods: Map<ObjectKey, Pod>,
  tell: (pod: Pod) => void,
  name: string,
  what: 'create' | 'place' | 'show' | 'refuse' | 'end' | 'delete',
): void {
  const key = `shop/${name}`
  const pod = pods.get(key)
  if (what === 'create' && !pod) tell(gated(name))
  if (pod === undefined) return
  const member = ledger.membership(key)
  if (what === 'place') {
    if (!member || !pod.spec.schedulingGates || ledger.promised(key)) return
    const placement = place({ policy, taken: member.group.taken, asked: undefined, offerOf: () => 'room' })
    if (placement.kind !== 'share') return
    ledger.promise(pod, key, freeSeat(placement.share, member.group.numbers(placement.share)))
  } else if (what === 'show') {
    if (ledger.promised(key)) tell(shown(ledger, pod, key))
  } else if (what === 'refuse') {
    if (ledger.promised(key)) ledger.withdraw(pod, key)
  } else if (what === 'end') {
    tell({ ...pod, status: { phase: 'Succeeded' } })
  } else if (what === 'delete') {
    pods.delete(key)
    ledger.delete(key)
  }
}
