import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { assignShards } from './assign.ts'
import { decideShards, type ShardPlan, type ShardView } from './decide.ts'

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('shards assigned to members', () => {
  const shards = names('shard-', 200)

  it('go to one member each, in about equal parts', () => {
    const assigned = assignShards(names('m', 4), shards)
    assert.equal(assigned.size, 200)
    for (const member of names('m', 4)) {
      const count = [...assigned.values()].filter((m) => m === member).length
      assert.ok(count > 25 && count < 75, `${member} has ${count}`)
    }
  })

  it('stay where they are when another member comes or goes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 6 }), (members) => {
        const [gone, ...rest] = members
        const before = assignShards(members, shards)
        const after = assignShards(rest, shards)
        for (const [shard, member] of before) if (member !== gone) assert.equal(after.get(shard), member)
      }),
    )
  })

  it('do not depend on the order in which members or shards are listed', () => {
    const before = assignShards(names('m', 5), shards)
    assert.deepEqual(
      new Map([...assignShards(names('m', 5).reverse(), shards.toReversed())].toSorted()),
      new Map([...before].toSorted()),
    )
  })

  it('go to nobody if there is nobody', () => {
    assert.equal(assignShards([], shards).size, 0)
  })
})

const LEASE_MS = 15_000
const RENEW_MS = 10_000

/** The leases of a group as an API server keeps them: each has a version, and a write may be tied to one. */
class Server {
  readonly members = new Map<string, number>()
  readonly shards = new Map<string, { version: number; holder: string }>()
  #version = 0

  next(): number {
    this.#version++
    return this.#version
  }
}

/** A member with what it saw of the server, which may be long ago, and the requests of ShardLeases. */
class Replica {
  readonly #server: Server
  life = ''
  #lives = 0
  heldUntil = Number.NEGATIVE_INFINITY
  readonly held = new Map<string, number>()
  members = new Map<string, { version: number; at: number }>()
  shards = new Map<string, { version: number; holder: string }>()
  readonly name: string

  constructor(name: string, server: Server) {
    this.name = name
    this.#server = server
  }

  see(now: number): void {
    this.seeMembers(now)
    this.seeShards()
  }

  seeMembers(now: number): void {
    const old = this.members
    this.members = new Map(
      [...this.#server.members].map(([name, version]) => {
        const before = old.get(name)
        return [name, { version, at: before?.version === version ? before.at : now }]
      }),
    )
  }

  seeShards(): void {
    this.shards = new Map([...this.#server.shards].map(([shard, lease]) => [shard, { ...lease }]))
  }

  plan(now: number, shards: ReadonlySet<string>): ShardPlan {
    return decideShards(
      {
        me: this.life,
        members: new Map([...this.members].map(([name, { at }]) => [name, { expiresAt: at + LEASE_MS }])),
        holders: new Map([...this.shards].map(([shard, { holder }]) => [shard, holder])),
        shards,
        held: new Set(this.held.keys()),
      },
      now,
    )
  }

  /** Each yield is a moment in which anything may happen before the server gets, or we hear of, a request. */
  *renew(clock: () => number): Generator<void> {
    const sentAt = clock()
    if (this.life === '') {
      this.#lives++
      const life = `${this.name}${this.#lives}`
      yield
      this.#server.members.set(life, this.#server.next())
      yield
      this.life = life
    } else {
      const { life } = this
      yield
      const alive = this.#server.members.has(life)
      if (alive) this.#server.members.set(life, this.#server.next())
      yield
      if (!alive) {
        this.life = ''
        this.held.clear()
        this.heldUntil = Number.NEGATIVE_INFINITY
        return
      }
    }
    this.heldUntil = Math.max(this.heldUntil, sentAt + RENEW_MS)
  }

  *act(now: number, shards: ReadonlySet<string>): Generator<void> {
    if (this.life === '') return
    const { life } = this
    const plan = this.plan(now, shards)
    // What the round acts on, although the view may change meanwhile.
    const { shards: leases, members } = this
    for (const name of plan.evict) {
      yield
      if (this.#server.members.get(name) === members.get(name)?.version) this.#server.members.delete(name)
    }
    for (const shard of plan.claim) {
      const seen = leases.get(shard)
      yield
      if (!this.#isFree(seen?.holder, life)) continue
      yield
      if (this.#server.shards.get(shard)?.version !== seen?.version) continue
      const version = this.#server.next()
      this.#server.shards.set(shard, { version, holder: life })
      yield
      if (this.life === life) this.held.set(shard, version)
    }
    for (const shard of plan.release) {
      const version = this.held.get(shard)
      this.held.delete(shard)
      yield
      this.#give(shard, version)
    }
    for (const shard of plan.relinquish) {
      const seen = leases.get(shard)?.version
      yield
      this.#give(shard, seen)
    }
    for (const shard of plan.remove) {
      const seen = leases.get(shard)
      yield
      if (!this.#isFree(seen?.holder, life)) continue
      yield
      if (this.#server.shards.get(shard)?.version === seen?.version) this.#server.shards.delete(shard)
    }
  }

  #isFree(holder: string | undefined, life: string): boolean {
    return !holder || holder === life || !this.#server.members.has(holder)
  }

  #give(shard: string, version: number | undefined): void {
    if (this.#server.shards.get(shard)?.version !== version) return
    this.#server.shards.set(shard, { version: this.#server.next(), holder: '' })
  }

  works(shard: string, now: number): boolean {
    return this.held.has(shard) && now < this.heldUntil
  }
}

const kinds = ['see members', 'see shards', 'renew', 'act', 'go on', 'drop', 'pass', 'shards', 'turn'] as const
const step = fc.record({
  do: fc.constantFrom(...kinds, 'go on', 'go on', 'turn', 'turn'),
  who: fc.nat(2),
  n: fc.nat(6_000),
})
const steps = fc.array(step, { maxLength: 400, size: 'max' })

function play(
  all: readonly { do: string; who: number; n: number }[],
  check: (replicas: Replica[], now: number) => void,
) {
  const server = new Server()
  const replicas = ['a', 'b', 'c'].map((name) => new Replica(name, server))
  const running: { who: number; steps: Generator<void> }[] = []
  let now = 0
  let shards: ReadonlySet<string> = new Set(['x', 'y', 'z'])
  for (const step of all) {
    const replica = replicas[step.who]
    const index = step.n % Math.max(1, running.length)
    if (step.do === 'pass') now += step.n
    else if (step.do === 'shards') shards = new Set(['x', 'y', 'z'].filter((_, i) => (step.n >> i) % 2 === 0))
    else if (step.do === 'see members') replica?.seeMembers(now)
    else if (step.do === 'see shards') replica?.seeShards()
    else if (step.do === 'turn' && replica && !running.some((r) => r.who === step.who)) {
      finish(replica.renew(() => now))
      replica.see(now)
      finish(replica.act(now, shards))
    }
    // One renewal and one round at a time, as ShardLeases has it.
    else if (step.do === 'renew' && replica) running.push({ who: step.who, steps: replica.renew(() => now) })
    else if (step.do === 'act' && replica && !running.some((r) => r.who === step.who)) {
      running.push({ who: step.who, steps: replica.act(now, shards) })
    } else if (step.do === 'go on' && running[index]?.steps.next().done) running.splice(index, 1)
    else if (step.do === 'drop') running.splice(index, 1)
    check(replicas, now)
  }
  return { server, replicas, now, shards: new Set(['x', 'y', 'z']) }
}

const finish = (requests: Generator<void>) => {
  while (!requests.next().done);
}

describe('replicas that divide shards', () => {
  it('never work on one shard both, however stale their views and however late or lost their requests', () => {
    let moves = 0
    const last = new Map<string, string>()
    fc.assert(
      fc.property(steps, (all) => {
        last.clear()
        play(all, (replicas, now) => {
          for (const shard of ['x', 'y', 'z']) {
            const working = replicas.filter((replica) => replica.works(shard, now)).map(({ name }) => name)
            assert.ok(working.length <= 1, `${working} work on ${shard}`)
            const [name] = working
            if (name === undefined) continue
            if (last.has(shard) && last.get(shard) !== name) moves++
            last.set(shard, name)
          }
        })
      }),
      { numRuns: 500 },
    )
    assert.ok(moves > 50, 'the steps hardly ever move a shard, so they prove nothing')
  })

  it('come to cover every shard as assigned, once requests are answered again', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { replicas, server, shards, now: start } = play(all, () => {})
        let now = start
        for (let round = 0; round < 30; round++) {
          for (const replica of replicas) {
            finish(replica.renew(() => now))
            replica.see(now)
            finish(replica.act(now, shards))
          }
          now += 2_000
        }
        const lives = new Set(replicas.map(({ life }) => life))
        assert.deepEqual(new Set(server.members.keys()), lives)
        const assigned = assignShards(lives, shards)
        for (const shard of shards) {
          const working = replicas.filter((replica) => replica.works(shard, now)).map(({ life }) => life)
          assert.deepEqual(working, [assigned.get(shard)])
        }
      }),
    )
  })

  it('ask for what is needed, and for nothing else', () => {
    const shards = new Set(Array.from({ length: 12 }, (_, i) => `s${i}`))
    const assigned = assignShards(['a', 'b'], shards)
    const of = (member: string) => [...shards].filter((shard) => assigned.get(shard) === member)
    const [mine, theirs] = [of('a'), of('b')]
    assert.ok(mine.length > 1 && theirs.length > 1)
    const alive = new Map(['a', 'b'].map((name) => [name, { expiresAt: 100 }]))
    const settled = { me: 'a', members: alive, holders: assigned, shards, held: new Set(mine) }
    const nothing = { evict: [], claim: [], release: [], relinquish: [], remove: [] }
    const plan = (change: Partial<ShardView>, now = 0) => {
      const { wakeAt: _, ...asked } = decideShards({ ...settled, ...change }, now)
      return asked
    }
    assert.deepEqual(plan({}), nothing)
    const [first = '', ...rest] = mine
    const [foreign = ''] = theirs
    const heldBy = (holder: string, ...which: string[]) =>
      new Map([...assigned, ...which.map((shard) => [shard, holder] as const)])
    // Of ours, what nobody holds, what our last life left, and what one held who is gone; not what somebody holds still.
    for (const [holder, claim] of [
      ['', [first]],
      ['a', [first]],
      ['gone', [first]],
      ['b', []],
    ] as const) {
      assert.deepEqual(plan({ held: new Set(rest), holders: heldBy(holder, first) }), { ...nothing, claim }, holder)
    }
    assert.deepEqual(plan({ holders: heldBy('', foreign) }), nothing, 'what is to be for another')
    assert.deepEqual(plan({ holders: heldBy('a', foreign) }), { ...nothing, relinquish: [foreign] })
    const tooMany = { held: new Set([...mine, foreign]), holders: heldBy('a', foreign) }
    assert.deepEqual(plan(tooMany), { ...nothing, release: [foreign] })
    // What is no more is let go by who holds it, and removed by who would have got it.
    const fewer = (shard: string) => new Set([...shards].filter((one) => one !== shard))
    assert.deepEqual(plan({ shards: fewer(first) }), { ...nothing, release: [first] })
    const released = { shards: fewer(first), held: new Set(rest), holders: heldBy('', first) }
    assert.deepEqual(plan(released), { ...nothing, remove: [first] })
    assert.deepEqual(plan({ shards: fewer(foreign), holders: heldBy('', foreign) }), nothing)
    assert.deepEqual(plan({ shards: fewer(first), held: new Set(rest), holders: heldBy('b', first) }), nothing)
    // Who is dead loses its lease first, and what it held when that is gone.
    assert.deepEqual(plan({}, 100), { ...nothing, evict: ['b'] })
    const free = heldBy('', foreign)
    assert.deepEqual(plan({ holders: free }, 100), { ...nothing, evict: ['b'], claim: [foreign] })
    const alone = new Map([...alive].filter(([name]) => name === 'a'))
    assert.deepEqual(plan({ members: alone }), { ...nothing, claim: theirs })
  })

  it('look again when the next member may be dead', () => {
    const view = {
      me: 'a',
      members: new Map([
        ['a', { expiresAt: 15 }],
        ['b', { expiresAt: 20 }],
        ['c', { expiresAt: 30 }],
      ]),
      holders: new Map<string, string>(),
      shards: new Set<string>(),
      held: new Set<string>(),
    }
    assert.equal(decideShards(view, 10).wakeAt, 20)
    assert.deepEqual(decideShards(view, 20).evict, ['b'])
    assert.equal(decideShards(view, 20).wakeAt, 30)
  })
})
