import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type ClusterNodeSpec, type Condition, nodeConfigCondition } from '@kosmos/api'
import { linkEvents } from './events.ts'
import { conditionNews, specNews } from './node-news.ts'

const page = readFileSync(new URL('../../../../../docs/reference/events.md', import.meta.url), 'utf8')
const spec: ClusterNodeSpec = { clusterName: 'paris', nodeName: 'n1', ip: '192.0.2.1', podCIDRs: [], tunnelID: 1 }
const { ip: _, ...lost } = spec
const at = '2026-11-29T12:00:00Z'
const applied: Condition = { ...nodeConfigCondition('Applied', 'Applied'), lastTransitionTime: at }
const failed: Condition = {
  ...nodeConfigCondition('Applied', 'ApplyFailed', { detail: 'ip: no' }),
  lastTransitionTime: at,
}
const probing: Condition = { ...nodeConfigCondition('NextHopsReachable', 'Probing'), lastTransitionTime: at }
const silent: Condition = { ...nodeConfigCondition('Applied', 'AgentSilent'), lastTransitionTime: at }
const reasons = (events: readonly { readonly reason: string }[]) => events.map(({ reason }) => reason)

describe('what is told on a ClusterNode', () => {
  it('is that it becomes a gateway, and that it is none any more', () => {
    const gateway = { ...spec, roles: ['gateway' as const] }
    assert.deepEqual(reasons(specNews(spec, gateway)), ['GatewayElected'])
    assert.deepEqual(reasons(specNews(undefined, gateway)), ['GatewayElected'])
    assert.deepEqual(reasons(specNews(gateway, spec)), ['GatewayLetGo'])
    assert.deepEqual(specNews(gateway, { ...gateway, mtu: 1400 }), [])
  })

  it('is that nobody knows its address, once', () => {
    assert.deepEqual(reasons(specNews(undefined, lost)), ['AddressUnknown'])
    assert.deepEqual(reasons(specNews(spec, lost)), ['AddressUnknown'])
    assert.deepEqual(specNews(lost, { ...lost, mtu: 1400 }), [])
    assert.deepEqual(specNews(lost, { ...lost, ip6: '2001:db8::1' }), [])
  })

  it('is that its agent could not do what it should, and that it has', () => {
    assert.deepEqual(reasons(conditionNews([], [applied, probing])), ['Applied'])
    assert.deepEqual(reasons(conditionNews([applied], [failed])), ['NotApplied'])
    assert.match(conditionNews([applied], [failed])[0]?.note ?? '', /^ApplyFailed: .*ip: no$/)
    assert.deepEqual(reasons(conditionNews([failed], [applied])), ['Applied'])
    assert.deepEqual(conditionNews([failed, probing], [{ ...failed, message: 'ip: no, again' }]), [])
    assert.deepEqual(conditionNews([applied], [probing]), [])
  })

  it('is that its agent is silent, and that the node has what it should when that is known again', () => {
    assert.deepEqual(reasons(conditionNews([applied], [silent])), ['AgentSilent'])
    assert.deepEqual(conditionNews([silent], [silent]), [])
    assert.deepEqual(reasons(conditionNews([silent], [applied])), ['Applied'])
  })

  it('names some next hops and counts the others', () => {
    const names = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5']
    assert.match(linkEvents.nextHopSilent(names).note, /^a\/1, a\/2, a\/3 and 2 more do not answer/)
    assert.match(linkEvents.nextHopAnswers(['a/1']).note, /^a\/1 answers/)
  })

  const all = [
    linkEvents.nextHopSilent(['a/1']),
    linkEvents.nextHopAnswers(['a/1']),
    linkEvents.notApplied(failed),
    linkEvents.applied(),
    linkEvents.agentSilent(silent),
    linkEvents.gatewayElected('paris'),
    linkEvents.gatewayLetGo('paris'),
    linkEvents.addressUnknown(),
  ]
  it('is tested here, all of it', () => assert.equal(all.length, Object.keys(linkEvents).length))
  const [, section = ''] = page.split('\n## On a ClusterNode')
  for (const { reason, type } of all) {
    it(`is explained in docs/reference/events.md: ${reason}`, () =>
      assert.ok(section.includes(`| \`${reason}\` | ${type} |`)))
  }
})
