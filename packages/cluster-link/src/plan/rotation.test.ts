import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type RotatingNode, rotationOf } from './rotation.ts'

const hour = 3_600_000
const start = Date.parse('2026-11-29T12:00:00Z')
const at = (ms: number) => new Date(ms).toISOString()
const node = (name: string, parts: Partial<RotatingNode> = {}): RotatingNode => ({
  name,
  knownSince: start,
  asked: undefined,
  said: undefined,
  demandedAt: undefined,
  isThere: true,
  isKnown: () => true,
  ...parts,
})
const next = (requestedAt: string) => ({ requestedAt, wireGuard: `wireguard ${requestedAt}`, ipsec: 'ipsec' })

describe('the rotation of keys in a cluster', () => {
  it('leaves them alone until they are too old, and says when that is', () => {
    const nodes = [node('n1'), node('n2', { knownSince: start - hour })]
    assert.deepEqual(rotationOf(nodes, undefined, start + 9_000 * hour), { keys: new Map(), isUnderway: false })
    assert.deepEqual(rotationOf(nodes, 24 * hour, start), { keys: new Map(), isUnderway: false, dueInMs: 23 * hour })
  })

  it('asks for new ones, waits until all know them, then has them used, and goes on with the next node', () => {
    const due = start + 24 * hour
    const asked = { requestedAt: at(due) }
    const first = rotationOf([node('n1'), node('n2')], 24 * hour, due)
    assert.deepEqual([...first.keys], [['n1', asked]])
    const said = { next: next(at(due)) }
    const unknown = rotationOf([node('n1', { asked, said, isKnown: () => false }), node('n2')], 24 * hour, due + 1)
    assert.deepEqual([...unknown.keys], [['n1', asked]])
    const known = rotationOf([node('n1', { asked, said }), node('n2')], 24 * hour, due + 2)
    const use = { ...asked, use: said.next.wireGuard }
    assert.deepEqual([...known.keys], [['n1', use]])
    const gone = { asked: use, said: { requestedAt: at(due) } }
    const second = rotationOf([node('n1', gone), node('n2')], 24 * hour, due + 3)
    assert.deepEqual([...second.keys.keys()], ['n1', 'n2'])
    assert.deepEqual(second.keys.get('n1'), use, 'what is done stays as it is')
  })

  it('does at once what somebody demands, once', () => {
    const demandedAt = at(start + hour)
    const { keys } = rotationOf([node('n1', { demandedAt })], undefined, start + 2 * hour)
    assert.deepEqual([...keys], [['n1', { requestedAt: demandedAt }]])
    const done = node('n1', { demandedAt, asked: { requestedAt: demandedAt }, said: { requestedAt: demandedAt } })
    assert.equal(rotationOf([done], undefined, start + 2 * hour).isUnderway, false)
  })

  it('never uses keys other than those that were asked for and are known', () => {
    const asked = { requestedAt: at(start) }
    const said = { next: next(at(start - hour)) }
    assert.deepEqual([...rotationOf([node('n1', { asked, said })], hour, start).keys], [['n1', asked]])
  })

  it('is not held up by a node that is not there', () => {
    const asked = { requestedAt: at(start) }
    const nodes = [node('n1', { asked, isThere: false }), node('n2', { demandedAt: at(start + 1) })]
    assert.deepEqual([...rotationOf(nodes, undefined, start + 2).keys.keys()], ['n1', 'n2'])
  })

  it('comes to an end for all nodes, never with two at once, however slow each step is', () => {
    const names = ['n1', 'n2', 'n3']
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.boolean()), { maxLength: 60 }), (steps) => {
        const demandedAt = at(start)
        let nodes = names.map((name) => node(name, { demandedAt }))
        const decide = () => {
          const { keys } = rotationOf(nodes, undefined, start + 1)
          nodes = nodes.map((one) => ({ ...one, asked: keys.get(one.name) }))
          const underway = nodes.filter(({ asked, said }) => asked && asked.requestedAt !== said?.requestedAt)
          assert.ok(underway.length <= 1)
        }
        /** What an agent does when it gets round to it, and whether the others have followed. */
        const work = (name: string, isKnown: boolean) => {
          nodes = nodes.map((one) => {
            if (one.name !== name || !one.asked || one.asked.requestedAt === one.said?.requestedAt) return one
            const { requestedAt, use } = one.asked
            if (use !== undefined) assert.equal(use, one.said?.next?.wireGuard)
            const said = use === undefined ? { next: next(requestedAt) } : { requestedAt }
            return { ...one, said, isKnown: () => isKnown }
          })
        }
        for (const [name, isKnown] of steps) {
          decide()
          work(name, isKnown)
        }
        for (let round = 0; round < 3 * names.length; round++) {
          decide()
          for (const name of names) work(name, true)
        }
        assert.ok(nodes.every(({ said }) => said?.requestedAt === demandedAt))
      }),
    )
  })
})
