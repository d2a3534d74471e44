import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkedFacts } from '../facts.fixture.ts'
import { outcomeFindings, outcomesIn } from './outcome.ts'
import { answering, asking } from './program.ts'
import { targetsOf } from './ways.ts'

const options = { globalCIDRsMap: { '10.7.0.0/16': '100.64.0.0/16' } }
const { network } = linkedFacts([
  { name: 'berlin', network: 7, options },
  { name: 'paris', network: 8 },
])
const responders = [
  { cluster: 'berlin', node: 'n1', addresses: ['10.7.0.5'] },
  { cluster: 'paris', node: 'n1', addresses: ['10.8.0.5', 'fd00::5'] },
]
const services = new Map([
  ['berlin', ['10.7.128.9']],
  ['paris', ['10.8.128.9']],
])
const facts = { network, responders, services, mtuOf: () => 1450 }
const [berlin, paris] = responders

describe('check pods', () => {
  it('try pods, Services and large packets by the addresses under which their clusters are known', () => {
    assert.ok(paris)
    const { pod, node } = targetsOf(paris, facts)
    const expected = ['10.8.0.0/17']
    assert.deepEqual(pod, [
      { way: 'pod → pod', to: 'berlin/n1', family: 4, address: '100.64.0.5', port: 8080, expected },
      { way: 'large packets', to: 'berlin/n1', family: 4, address: '100.64.0.5', mtu: 1450 },
      { way: 'pod → Service', to: 'berlin', family: 4, address: '100.64.128.9', port: 80 },
    ])
    assert.deepEqual(node, [{ way: 'node → pod', to: 'berlin/n1', family: 4, address: '100.64.0.5', port: 8080 }])
  })

  it('leave out a family that the two clusters do not share', () => {
    assert.ok(berlin)
    assert.deepEqual(
      targetsOf(berlin, facts).pod.map(({ family }) => family),
      [4, 4, 4],
    )
  })

  it('run programs that are valid', () => {
    for (const program of [answering, asking]) assert.doesNotThrow(() => new Function('require', program))
  })
})

describe('what check pods found', () => {
  const tried = { way: 'pod → pod', to: 'paris/n1', family: 4, address: '10.8.0.5', expected: ['10.7.0.0/16'] } as const
  const line = (result: object) => `noise\nRESULT ${JSON.stringify({ ...tried, ...result })}\n`

  it('is read from their logs', () => {
    const [outcome] = outcomesIn(line({ works: false, why: 'ETIMEDOUT' }), 'berlin/n1')
    assert.deepEqual(outcome, { ...tried, works: false, why: 'ETIMEDOUT', from: 'berlin/n1' })
  })

  it('names who does not reach whom, and why', () => {
    const [finding] = outcomeFindings(outcomesIn(line({ works: false, why: 'ETIMEDOUT' }), 'berlin/n1'))
    assert.equal(finding?.verdict.what, 'pod → pod fails: berlin/n1 → paris/n1 (ETIMEDOUT)')
  })

  it('blames the MTU only where small packets pass', () => {
    const large = { way: 'large packets', works: false, why: 'no answer' }
    const said = (works: boolean) =>
      outcomeFindings(outcomesIn(line(large) + line({ works }), 'berlin/n1')).map(({ verdict }) => verdict.what)
    assert.deepEqual(said(true), ['large packets fails: berlin/n1 → paris/n1 (no answer)'])
    assert.deepEqual(said(false), ['pod → pod fails: berlin/n1 → paris/n1 (no answer)'])
  })

  it('is a warning where the callee sees somebody else than a pod of the caller', () => {
    const seen = (seenAs: string) => outcomeFindings(outcomesIn(line({ works: true, seenAs }), 'berlin/n1'))[0]?.verdict
    assert.equal(seen('10.7.3.4')?.status, 'ok')
    assert.match(seen('172.16.0.1')?.what ?? '', /berlin\/n1 → paris\/n1: 172\.16\.0\.1 is no address of its pods/)
  })
})
