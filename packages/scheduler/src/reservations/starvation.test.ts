import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node, Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { PlacementState } from '../placement/state.ts'
import { podLike } from '../pods.fixture.ts'

interface Setting {
  /** Cores of the machines of each leaf. */
  readonly leaves: readonly (readonly number[])[]
  /** Cores of the pod that comes when all is full. */
  readonly large: number
  /** Of the small ones, which never end coming. */
  readonly small: { readonly lifetimes: readonly number[]; readonly priority: number }
  /** Undefined: no node is kept for anybody. */
  readonly reserveAfter: number | undefined
}

const TICK = 1000
const shapes = (cores: readonly number[]) =>
  JSON.stringify(cores.map((cpu) => ({ nodes: 1, free: { cpu: `${cpu}`, pods: '99' } })))

/**
 * Small pods of one core take what comes up, second by second; the leaf puts each into its emptiest machine.
 * @returns after how many seconds the large one has a place, undefined if not in the time, and how many small ones have had one
 */
function run({ leaves, large, small, reserveAfter = Number.POSITIVE_INFINITY }: Setting, seconds: number) {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const nodes = new Map<string, Node>()
  const state = new PlacementState(nodes, () => now, reserveAfter)
  const labels = { 'kosmos.io/placement': 'best-fit' }
  state.bestFit.set({ metadata: { name: 'shop', uid: 'shop', resourceVersion: '1', labels } })
  const free = leaves.map((cores) => [...cores])
  const running: { readonly key: string; readonly leaf: number; readonly machine: number; readonly endsAt: number }[] =
    []
  const publish = () => {
    for (const [i, cores] of leaves.entries()) {
      const name = `kosmos-leaf${i}`
      const annotations = { 'kosmos.io/free-shapes': shapes(free[i] ?? []), 'kosmos.io/empty-shapes': shapes(cores) }
      const metadata = { name, uid: name, resourceVersion: '1', labels: { 'kosmos.io/node': 'true' }, annotations }
      const node = { metadata, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
      const old = nodes.get(name)
      nodes.set(name, node)
      state.vacancies.setNode(node, old)
    }
  }
  const gated = (name: string, cpu: number, priority: number): Pod => {
    const resources = { requests: { cpu: `${cpu}` } }
    const schedulingGates = [{ name: 'kosmos.io/placement' }]
    const pod = podLike({ name, spec: { priority, schedulingGates, containers: [{ name: 'main', resources }] } })
    return { ...pod, metadata: { ...pod.metadata, creationTimestamp: new Date(now).toISOString() } }
  }
  let created = 0
  const queue: Pod[] = []
  const place = (pod: Pod, cpu: number, lifetime: number): boolean => {
    state.setPod(pod)
    const decision = state.decide(pod)
    state.commit(pod, decision)
    if (decision.kind !== 'anyRoom' || !decision.aim) return false
    const leaf = Number(decision.aim.node.replace('kosmos-leaf', ''))
    const room = free[leaf] ?? []
    const machine = room.indexOf(Math.max(...room))
    room[machine] = (room[machine] ?? 0) - cpu
    running.push({ key: `shop/${pod.metadata.name}`, leaf, machine, endsAt: now + lifetime * TICK })
    const { schedulingGates: _, ...spec } = pod.spec
    state.setPod({ ...pod, spec: { ...spec, nodeName: decision.aim.node }, status: { phase: 'Running' } })
    return true
  }
  let waiting: Pod | undefined
  for (let second = 0; second < seconds; second++, now += TICK) {
    for (const [i, { key, leaf, machine, endsAt }] of [...running.entries()].reverse()) {
      if (endsAt > now) continue
      running.splice(i, 1)
      state.deletePod(key)
      const room = free[leaf] ?? []
      room[machine] = (room[machine] ?? 0) + 1
    }
    publish()
    if (second === 60) waiting = gated('large', large, 0)
    while (queue.length < 3) queue.push(gated(`small-${created++}`, 1, small.priority))
    while (queue[0] && place(queue[0], 1, small.lifetimes[created % small.lifetimes.length] ?? 1)) queue.shift()
    // Whoever is first to see a hole takes it: the small ones, without the rule.
    if (waiting && place(waiting, large, 1)) return { waited: second - 60, placed: created - queue.length }
  }
  return { waited: undefined, placed: created - queue.length }
}

const setting = fc
  .record({
    leaves: fc.array(fc.array(fc.integer({ min: 3, max: 6 }), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 3,
    }),
    lifetimes: fc.array(fc.integer({ min: 5, max: 60 }), { minLength: 3, maxLength: 7 }),
  })
  .map(({ leaves, lifetimes }) => ({
    leaves,
    large: Math.min(...leaves.map((cores) => Math.max(...cores))),
    small: { lifetimes, priority: 0 },
  }))

describe('a large pod for which small ones leave no room', () => {
  it('waits on and on if nothing is kept for it', () => {
    const leaves = [[4, 4], [6]]
    const small = { lifetimes: [30, 41, 37, 52, 33], priority: 0 }
    assert.equal(run({ leaves, large: 4, small, reserveAfter: undefined }, 1200).waited, undefined)
  })

  it('has its place soon after the small ones that were there before have ended', () => {
    fc.assert(
      fc.property(setting, (one) => {
        // Kept from second 60 to 120 of its waiting, and from 180 to 300; the virtual node tells of the last small one 8 s later.
        const { waited } = run({ ...one, reserveAfter: 60_000 }, 700)
        assert(waited !== undefined && waited <= 300, `${waited} s`)
      }),
      { numRuns: 30 },
    )
  })

  it('keeps nobody of a higher priority waiting', () => {
    const leaves = [[4, 4], [6]]
    const small = { lifetimes: [30, 41, 37, 52, 33], priority: 1 }
    assert.equal(run({ leaves, large: 4, small, reserveAfter: 60_000 }, 1200).waited, undefined)
  })

  it('keeps nobody waiting if no machine could ever hold it', () => {
    fc.assert(
      fc.property(setting, (one) => {
        const counts = [60_000, undefined].map((reserveAfter) => {
          const { placed, waited } = run({ ...one, large: 7, reserveAfter }, 400)
          assert.equal(waited, undefined)
          return placed
        })
        assert.equal(counts[0], counts[1])
      }),
      { numRuns: 5 },
    )
  })
})
