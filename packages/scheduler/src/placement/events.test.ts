import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { compiled } from '../pods.fixture.ts'
import { placementEvents } from './events.ts'

const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')
const policy = compiled({
  allocationPolicy: [
    { name: 'leaf1', replicas: 2 },
    { name: 'leaf2', replicas: 1 },
  ],
})

describe('the Events of placement', () => {
  const all = [
    placementEvents.quotaReached(policy),
    placementEvents.placeKept(policy, 'leaf1', 'noRoom'),
    placementEvents.placementRefused(policy, 'no'),
    placementEvents.noRoom(policy, 'noRoom'),
    placementEvents.otherGates(['example.org/quota']),
  ]
  for (const { reason } of all) {
    it(`explain ${reason} in docs/reference/events.md`, () => assert(page.includes(`\`${reason}\``)))
  }
  it('say how many places there are, and where one is kept', () => {
    assert.match(all[0]?.note ?? '', /no more places than 3, and no other is free/)
    const open = compiled({
      allocationPolicy: [
        { name: 'leaf1', weight: 1, max: 2 },
        { name: 'leaf2', weight: 1 },
      ],
    })
    assert.match(
      placementEvents.quotaReached(open, new Set(['leaf1'])).note,
      /no more places than 2 at kosmos\.io\/cluster=leaf1/,
    )
    assert.match(all[1]?.note ?? '', /kosmos\.io\/cluster=leaf1/)
  })
  it('tell a value that no node has from nodes that do not take the pod', () => {
    const { note } = placementEvents.placeKept(policy, 'leaf1', 'noValue')
    assert.match(
      note,
      /kosmos\.io\/cluster=leaf1, where no node has that label.*name of the allocation and topologyKey/,
    )
    assert.doesNotMatch(placementEvents.placeKept(policy, 'leaf1', 'noNode').note, /that label/)
  })
  it('advise whenUnavailable: Spill only where it is not so already', () => {
    const waits = compiled({ allocationPolicy: [{ name: 'leaf1', weight: 1 }], whenUnavailable: 'Wait' })
    const spills = compiled({ allocationPolicy: [{ name: 'leaf1', weight: 1 }], whenUnavailable: 'Spill' })
    assert.match(placementEvents.placeKept(waits, 'leaf1', 'noNode').note, /tolerates their taints.*Spill would give/)
    assert.doesNotMatch(placementEvents.placeKept(spills, 'leaf1', 'noNode').note, /Spill/)
  })
})
