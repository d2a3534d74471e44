import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Lease } from '../objects/types.ts'
import { Candidate } from './candidate.ts'
import { leaseOf } from './lease.fixture.ts'

const timing = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }

/** What an API server does for one lease: a write is for the version that it names, or for no lease at all. */
class LeaseModel {
  lease: Lease | undefined
  #version = 0

  write(over: string | undefined, spec: NonNullable<Lease['spec']>): Lease | undefined {
    if (this.lease?.metadata.resourceVersion !== over) return undefined
    this.#version++
    this.lease = leaseOf(spec, String(this.#version))
    return this.lease
  }
}

interface InFlight {
  readonly from: Runner
  readonly sentAt: number
  readonly write?: { readonly over: string | undefined; readonly spec: NonNullable<Lease['spec']> }
  answer?: { readonly lease: Lease | undefined }
}

/** A candidate and the requests that an elector makes for it, one at a time. */
class Runner {
  readonly candidate: Candidate
  waiting: InFlight | undefined

  constructor(name: string) {
    this.candidate = new Candidate(name, timing)
  }

  send(now: number): InFlight | undefined {
    if (this.waiting) return undefined
    const { action } = this.candidate.decide(now)
    if (action === 'wait') this.candidate.unsure()
    if (action === 'wait') return undefined
    if (action === 'read') this.waiting = { from: this, sentAt: now }
    else {
      const spec = this.candidate.claim(new Date(now))
      const over = action === 'create' ? undefined : this.candidate.replacement(spec).metadata.resourceVersion
      this.waiting = { from: this, sentAt: now, write: { over, spec } }
    }
    return this.waiting
  }

  receive(request: InFlight, now: number): void {
    if (this.waiting !== request || !request.answer) return
    this.waiting = undefined
    const { lease } = request.answer
    if (!request.write) this.candidate.saw(lease, now)
    else if (lease) this.candidate.wrote(lease, request.sentAt, now)
    else this.candidate.unsure()
  }

  /** It is told nothing: the request may have been served, or will be. */
  giveUp(): void {
    if (this.waiting) this.candidate.unsure()
    this.waiting = undefined
  }
}

class World {
  now = 0
  readonly model = new LeaseModel()
  readonly runners = ['a', 'b', 'c'].map((name) => new Runner(name))
  /** Sent and not served, served and not delivered: any may be next. */
  readonly pending: InFlight[] = []
  readonly answered: InFlight[] = []

  send(n: number): void {
    const request = this.runners[n % this.runners.length]?.send(this.now)
    if (request) this.pending.push(request)
  }

  serve(n: number): void {
    const [request] = this.pending.splice(n % Math.max(1, this.pending.length), 1)
    if (!request) return
    const { write } = request
    request.answer = { lease: write ? this.model.write(write.over, write.spec) : this.model.lease }
    this.answered.push(request)
  }

  deliver(n: number): void {
    const [request] = this.answered.splice(n % Math.max(1, this.answered.length), 1)
    request?.from.receive(request, this.now)
  }

  giveUp(n: number): void {
    this.runners[n % this.runners.length]?.giveUp()
  }

  get holders(): string[] {
    return this.runners.filter(({ candidate }) => candidate.holds(this.now)).map(({ candidate }) => candidate.identity)
  }
}

const nat = fc.nat(20)
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), n: nat }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('serve' as const), n: nat }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), n: nat }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('giveUp' as const), n: nat }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), n: fc.nat(16_000) }) },
  ),
  { maxLength: 300, size: 'max' },
)

describe('candidates for one lease', () => {
  it('never hold it both, however requests are delayed, reordered or lost and processes are frozen', () => {
    let takeovers = 0
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World()
        let last: string | undefined
        for (const step of all) {
          if (step.do === 'pass') world.now += step.n
          else world[step.do](step.n)
          const { holders } = world
          assert.ok(holders.length <= 1, `${holders} hold the lease at ${world.now}`)
          if (holders[0] !== undefined) {
            if (last !== undefined && last !== holders[0]) takeovers++
            last = holders[0]
          }
        }
      }),
      { numRuns: 500 },
    )
    assert.ok(takeovers > 50, 'the steps hardly ever move the lease, so they prove nothing')
  })

  it('come to one holder who keeps it, once requests are answered again', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World()
        for (const step of all) {
          if (step.do === 'pass') world.now += step.n
          else world[step.do](step.n)
        }
        for (let n = 0; n < 3; n++) world.giveUp(n)
        const seen = new Set<string | undefined>()
        for (let time = 0; time < 60_000; time += timing.retryPeriodMs) {
          for (let n = 0; n < 3; n++) {
            for (const _ of ['read', 'write']) {
              world.send(n)
              while (world.pending.length > 0) world.serve(0)
              while (world.answered.length > 0) world.deliver(0)
            }
          }
          world.now += timing.retryPeriodMs
          if (time > 20_000) seen.add(world.holders[0])
        }
        assert.equal(seen.size, 1)
        assert.notEqual([...seen][0], undefined)
      }),
    )
  })

  it('count a change of holder as a transition, and keep the time of acquiring through renewals', () => {
    const [a, b] = [new Candidate('a', timing), new Candidate('b', timing)]
    const created = leaseOf(a.claim(new Date(0)))
    assert.equal(created.spec?.leaseTransitions, 0)
    a.wrote(created, 0, 0)
    const renewed = a.claim(new Date(2000))
    assert.deepEqual(
      [renewed.acquireTime, renewed.renewTime, renewed.leaseTransitions],
      ['1970-01-01T00:00:00.000000Z', '1970-01-01T00:00:02.000000Z', 0],
    )
    b.saw(leaseOf(renewed, '2'), 0)
    assert.equal(b.claim(new Date(30_000)).leaseTransitions, 1)
  })

  it('take the lease of one who died, however often they look at it meanwhile', () => {
    const [dead, alive] = [new Candidate('dead', timing), new Candidate('alive', timing)]
    const left = leaseOf(dead.claim(new Date(0)))
    const actions: string[] = []
    for (let now = 0; now <= timing.leaseDurationMs; now += timing.leaseDurationMs / 5) {
      alive.saw(left, now)
      actions.push(alive.decide(now).action)
    }
    assert.deepEqual(actions, ['wait', 'wait', 'wait', 'wait', 'wait', 'take'])
  })

  it('know who holds it, and of one that was released that nobody does', () => {
    const [a, b] = [new Candidate('a', timing), new Candidate('b', timing)]
    assert.equal(a.holder, undefined)
    const claim = b.claim(new Date(0))
    a.saw(leaseOf(claim), 0)
    assert.equal(a.holder, 'b')
    a.saw(leaseOf({ ...claim, holderIdentity: '' }, '2'), 0)
    assert.equal(a.holder, undefined)
  })

  it('hold nothing from when they resign, before the release is sent', () => {
    const a = new Candidate('a', timing)
    a.wrote(leaseOf(a.claim(new Date(0))), 0, 0)
    assert.ok(a.holds(9_999) && !a.holds(10_000))
    a.resign()
    assert.ok(!a.holds(0))
    assert.deepEqual(a.decide(0), { action: 'read' })
  })
})
