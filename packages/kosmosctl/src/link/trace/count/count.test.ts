import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkedFacts, type Sketch } from '../../network/facts.fixture.ts'
import { viewOf } from '../../network/view.ts'
import type { End } from '../end.ts'
import { traceText } from '../text.ts'
import { placesOf, traceWay, withCounts } from '../trace.ts'
import { type Growth, growthOf } from './growth.ts'

const pod = (cluster: string, address: string): End => ({
  cluster,
  name: `${cluster}/default/web`,
  node: 'n1',
  addresses: [address],
  hostNetwork: false,
})

/** A trace from berlin to paris; counters rise by ten packets, but for those that do not. */
function counted(
  options: NonNullable<Sketch['options']>,
  stuck: Readonly<Record<string, readonly string[]>>,
  drops = {},
) {
  const view = viewOf(linkedFacts([{ name: 'berlin', options }, { name: 'paris' }]))
  const trace = traceWay(view, pod('berlin', '10.1.0.5'), pod('paris', '10.2.0.5'))
  const before: string[] = []
  const growths = new Map(
    [...placesOf(trace)].map((place): [string, Growth] => {
      const ends = ['172.16.0.1', '172.17.0.1', ...view.facts.clusters.flatMap(secureEnds)]
      const lines = ends.flatMap((end) =>
        ['vx-bridge', 'vx-secure', 'kl-wireguard', 'ipsec0'].flatMap((device) =>
          ['receive', 'transmit'].map((direction) => {
            const count = stuck[place]?.includes(`${device} ${direction}`) ? 0 : 10
            const kind = device === 'kl-wireguard' ? 'bytes' : 'packets'
            return `kosmos_link_tunnel_${kind}_total{device="${device}",end="${end}",direction="${direction}"} ${count}`
          }),
        ),
      )
      const dropped = Object.entries(drops).map(
        ([reason, count]) => `kosmos_link_firewall_dropped_packets_total{reason="${reason}"} ${count}`,
      )
      return [place, growthOf(before, [...lines, ...dropped])]
    }),
  )
  const { families } = withCounts(trace, view, growths)
  const text = traceText({ ...trace, families })
  const [{ there, back } = assert.fail('no family in common')] = families
  return { there: there.hops[0]?.counted, back: back.hops[0]?.counted, text }
}

const secureEnds = ({ inside }: ReturnType<typeof linkedFacts>['clusters'][number]) =>
  'error' in inside ? [] : inside.configs.flatMap(({ spec }) => (spec.fdbs ?? []).map(({ ip }) => ip))

describe('what counters say of the hops of a way', () => {
  it('is that packets arrive, where all of them rise', () => {
    for (const options of [{}, { tunnel: 'wireguard' }, { tunnel: 'ipsec' }] as const) {
      const { there, back, text } = counted(options, {})
      assert.deepEqual([there?.verdict, back?.verdict], ['passes', 'passes'])
      assert.match(text, /^hop 1, counters: packets of berlin\/n1 arrive at paris\/n1$/m)
      assert.equal(there?.stages.length, 'tunnel' in options ? 4 : 2)
    }
  })

  it('is between which two of them packets stop, in clear text', () => {
    const { there, back, text } = counted({}, { 'paris/n1': ['vx-bridge receive'] })
    assert.deepEqual([there?.verdict, back?.verdict], ['stops', 'passes'])
    assert.match(there?.says ?? '', /^berlin\/n1 sends, and paris\/n1 receives nothing of it by vx-bridge/)
    assert.match(text, /berlin\/n1 sent 10 packets by vx-bridge → paris\/n1 received 0 packets by vx-bridge/)
  })

  it('is that nothing is sent at all', () => {
    const { there } = counted({}, { 'berlin/n1': ['vx-bridge transmit'], 'paris/n1': ['vx-bridge receive'] })
    assert.match(there?.says ?? '', /^berlin\/n1 sends nothing through vx-bridge/)
  })

  it('is in which layer packets stop, where they are encrypted', () => {
    const secure = { tunnel: 'wireguard' } as const
    const says = (stuck: Record<string, string[]>) => counted(secure, stuck).there?.says ?? ''
    assert.match(says({ 'berlin/n1': ['kl-wireguard transmit'] }), /does not leave by kl-wireguard/)
    assert.match(says({ 'paris/n1': ['kl-wireguard receive'] }), /nothing of it by kl-wireguard.*agree on keys/)
    assert.match(says({ 'paris/n1': ['vx-secure receive'] }), /none of berlin\/n1 for vx-secure in it/)
  })

  it('names what rules of ours have dropped there', () => {
    const { there } = counted({}, { 'paris/n1': ['vx-bridge receive'] }, { 'unknown-peer': 7, unencrypted: 0 })
    assert.match(there?.says ?? '', /rules of ours on paris\/n1 have dropped: 7 unknown-peer$/)
  })

  it('is not known where a node could not be asked', () => {
    const view = viewOf(linkedFacts([{ name: 'berlin' }, { name: 'paris' }]))
    const trace = traceWay(view, pod('berlin', '10.1.0.5'), pod('paris', '10.2.0.5'))
    const { families } = withCounts(trace, view, new Map())
    assert.deepEqual(families[0]?.there.hops[0]?.counted?.verdict, 'unknown')
  })
})

describe('how much a counter has grown', () => {
  const line = (count: number) => `kosmos_link_tunnel_packets_total{device="d",end="e",direction="receive"} ${count}`
  const grown = (before: string[], after: string[]) => growthOf(before, after).tunnels.get('d e receive')?.count

  it('is the difference, and what it has where it began anew or was not there', () => {
    assert.equal(grown([line(5)], [line(12)]), 7)
    assert.equal(grown([line(50)], [line(3)]), 3)
    assert.equal(grown([], [line(3)]), 3)
    assert.equal(grown([line(3)], []), undefined)
  })
})
