import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compiled } from '../pods.fixture.ts'
import { freeSeat, type Offer, type Placement, type PlacementView, place } from './place.ts'

const allocationPolicy = [
  { name: 'leaf1', replicas: 2 },
  { name: 'leaf2', replicas: 1 },
]
const view = (parts: Partial<PlacementView>): PlacementView => ({
  policy: compiled({ allocationPolicy }),
  taken: [0, 0],
  asked: undefined,
  offerOf: () => 'room',
  ...parts,
})
const share = (index: number, offer: Offer = 'room'): Placement => ({ kind: 'share', share: index, offer })
const required = compiled({ allocationPolicy, allocationType: 'Required' })

describe('the place of a pod', () => {
  it('is the next one', () => {
    assert.deepEqual(place(view({})), share(0))
    assert.deepEqual(place(view({ taken: [1, 0] })), share(1))
  })

  it('is anywhere when all are taken, or none where they are required', () => {
    assert.deepEqual(place(view({ taken: [2, 1] })), { kind: 'anywhere' })
    assert.deepEqual(place(view({ taken: [2, 1], policy: required })), { kind: 'wait' })
  })

  it('is the next that a node offers, or waits for its node where the policy says so', () => {
    const offerOf = (index: number) => (index === 1 ? 'room' : 'noRoom')
    assert.deepEqual(place(view({ offerOf })), share(1))
    const waits = compiled({ allocationPolicy, whenUnavailable: 'Wait' })
    assert.deepEqual(place(view({ offerOf, policy: waits })), share(0, 'noRoom'))
    assert.deepEqual(place(view({ offerOf, policy: required })), share(0, 'noRoom'))
  })

  it('is anywhere when no node offers one that is free, but never beyond a count that is required', () => {
    const spills = compiled({ allocationPolicy, allocationType: 'Required', whenUnavailable: 'Spill' })
    const offerOf = (index: number) => (index === 1 ? 'room' : 'noRoom')
    const own = { kind: 'share', share: 0, offer: 'noRoom' } as const
    assert.deepEqual(place(view({ offerOf, taken: [0, 1] })), { kind: 'anywhere', own })
    assert.deepEqual(place(view({ offerOf, taken: [0, 1], policy: spills })), share(0, 'noRoom'))
  })

  it('is with room before it is by preemption, and by preemption before it waits', () => {
    const offers =
      (...all: Offer[]) =>
      (index: number) =>
        all[index] ?? assert.fail()
    const spills = compiled({ allocationPolicy, allocationType: 'Required', whenUnavailable: 'Spill' })
    assert.deepEqual(place(view({ offerOf: offers('byPreemption', 'room') })), share(1))
    assert.deepEqual(
      place(view({ offerOf: offers('noRoom', 'byPreemption'), policy: spills })),
      share(1, 'byPreemption'),
    )
    const own = { kind: 'share', share: 1, offer: 'byPreemption' } as const
    assert.deepEqual(place(view({ offerOf: offers('noRoom', 'byPreemption') })), { kind: 'anywhere', own })
  })

  it('is where the pod itself wants to be, as far as the policy has a place there', () => {
    assert.deepEqual(place(view({ asked: new Set(['leaf2']) })), share(1))
    assert.deepEqual(place(view({ asked: new Set(['leaf2']), taken: [0, 1], policy: required })), { kind: 'wait' })
    assert.deepEqual(place(view({ asked: new Set(['leaf9']), policy: required })), { kind: 'anywhere' })
  })

  it('is where it asks to be and nowhere else, with room if that is to be had, and waits only when nothing is free', () => {
    const offers = fc.constantFrom<Offer>('room', 'byPreemption', 'noRoom', 'noNode')
    const names = ['leaf1', 'leaf2', 'leaf3']
    const whole = names.map((name) => ({ name, weight: 1, max: 2 }))
    const asked = fc.option(fc.subarray([...names, 'leaf9'], { minLength: 1 }), { nil: undefined })
    const three = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one, one)
    fc.assert(
      fc.property(
        three(fc.nat(2)),
        three(offers),
        asked,
        fc.boolean(),
        fc.boolean(),
        (taken, offered, at, wait, must) => {
          const policy = compiled({
            allocationPolicy: whole,
            allocationType: must ? 'Required' : 'Preferred',
            whenUnavailable: wait ? 'Wait' : 'Spill',
          })
          const offerOf = (index: number) => offered[index] ?? assert.fail()
          const placement = place({ policy, taken, asked: at && new Set(at), offerOf })
          const free = names.flatMap((name, i) => ((taken[i] ?? 0) < 2 && (at?.includes(name) ?? true) ? [i] : []))
          const isHad = (offer: Offer) => free.some((index) => offerOf(index) === offer)
          if (at !== undefined && !names.some((name) => at.includes(name))) {
            assert.deepEqual(placement, { kind: 'anywhere' })
            return
          }
          if (free.length === 0) {
            assert.deepEqual(placement, { kind: must ? 'wait' : 'anywhere' })
            return
          }
          const own = placement.kind === 'anywhere' ? placement.own : placement
          assert(own?.kind === 'share')
          assert(free.includes(own.share))
          assert.equal(own.offer, offerOf(own.share))
          // The first seat in the order, which is the emptiest one.
          const first = free.toSorted((a, b) => (taken[a] ?? 0) - (taken[b] ?? 0) || a - b)
          const best = wait ? undefined : (['room', 'byPreemption'] as const).find(isHad)
          assert.equal(
            own.share,
            first.find((index) => best === undefined || offerOf(index) === best),
          )
          assert.equal(placement.kind, wait || must || best === 'room' ? 'share' : 'anywhere')
        },
      ),
    )
  })

  it('is never beyond a maximum', () => {
    const counts = fc.tuple(fc.nat(3), fc.nat(2))
    fc.assert(
      fc.property(counts, fc.tuple(fc.boolean(), fc.boolean()), fc.boolean(), (taken, offered, isRequired) => {
        const policy = isRequired ? required : compiled({ allocationPolicy })
        const placement = place(view({ policy, taken, offerOf: (index) => (offered[index] ? 'room' : 'noNode') }))
        if (placement.kind !== 'share') return
        assert((taken[placement.share] ?? 0) < (policy.shares[placement.share]?.max ?? 0))
      }),
    )
  })
})

describe('the seat of a pod', () => {
  it('has the lowest number that is free', () => {
    assert.deepEqual(freeSeat(1, new Set([1, 2, 4])), { share: 1, number: 3 })
    assert.deepEqual(freeSeat(0, new Set()), { share: 0, number: 1 })
  })
})
