import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Route } from '../kernel/state.ts'
import { fpingArgv, fpingInput, parseAnswer } from './fping.ts'
import { suspectsOf, targetsOf } from './targets.ts'

const dev = 'vx-bridge'
const spec = {
  nodeName: 'n',
  routes: [
    { cidr: '10.2.0.0/16', gw: '220.0.2.3', dev },
    { cidr: '10.2.0.0/16', gw: '220.0.2.2', dev },
    { cidr: '10.3.0.0/16', gw: '220.0.2.4', dev },
    { cidr: '10.4.0.0/16', gw: '220.0.2.4', dev },
    { cidr: '240.0.2.2/32', dev: 'kl-wireguard' },
  ],
}

describe('whom to ask', () => {
  it('asks those more often whom others can stand in for', () => {
    assert.deepEqual(targetsOf(spec), { urgent: ['220.0.2.2', '220.0.2.3'], others: ['220.0.2.4'] })
  })

  it('takes over what an agent before had found dead', () => {
    const hops = [{ dev, gateway: '220.0.2.2' }]
    assert.deepEqual(suspectsOf(spec, new Map([['10.2.0.0/16', { cidr: '10.2.0.0/16', hops }]])), ['220.0.2.3'])
    assert.deepEqual(suspectsOf(spec, new Map()), [])
  })

  it('suspects nobody who only stands by', () => {
    const standby = {
      ...spec,
      routes: spec.routes.map((route) => ({ ...route, metric: route.gw === '220.0.2.3' ? 5 : 0 })),
    }
    const hops = [{ dev, gateway: '220.0.2.2' }]
    assert.deepEqual(suspectsOf(standby, new Map([['10.2.0.0/16', { cidr: '10.2.0.0/16', hops }]])), [])
  })

  it('takes over which gateways an agent before had passed over to hand on to another one', () => {
    const gateway = {
      nodeName: 'n',
      routes: [
        { cidr: '10.2.0.0/16', gw: '220.0.2.2', dev },
        { cidr: '10.2.0.0/16', gw: '220.0.2.3', dev, metric: 1 },
      ],
      detours: [
        { gw: '210.0.2.4', dev: 'vx-local' },
        { gw: '210.0.2.5', dev: 'vx-local', metric: 1 },
        { gw: '210.0.2.6', dev: 'vx-local', metric: 2, takesHandedOn: true },
        { gw: '210.0.2.7', dev: 'vx-local', metric: 3, takesHandedOn: true },
      ],
    }
    const [cidr, hop] = ['10.2.0.0/16', (number: number) => ({ dev: 'vx-local', gateway: `210.0.2.${number}` })]
    const ordinary = { cidr, hops: [hop(5)] }
    const handedOn = { cidr, isHandedOn: true, hops: [hop(7)] } as const
    const direct = ['220.0.2.2', '220.0.2.3']
    assert.deepEqual(suspectsOf(gateway, new Map([[cidr, ordinary]])), [...direct, '210.0.2.4'])
    const both = new Map<string, Route>([
      [cidr, ordinary],
      [`handed-on ${cidr}`, handedOn],
    ])
    assert.deepEqual(suspectsOf(gateway, both), [...direct, '210.0.2.4', '210.0.2.6'])
    const straightOn = { ...handedOn, hops: [{ dev, gateway: '220.0.2.2' }] }
    assert.deepEqual(suspectsOf(gateway, new Map(both).set(`handed-on ${cidr}`, straightOn)), [
      ...direct,
      '210.0.2.4',
      '210.0.2.6',
      '210.0.2.7',
    ])
  })

  it('reads the answers that fping prints, and nothing else', () => {
    assert.deepEqual(parseAnswer('[1795913325.01797] fd22::2 : [7], 64 bytes, 0.301 ms (0.301 avg, 0% loss)'), {
      address: 'fd22::2',
      sequence: 7,
      at: 1_795_913_325_018,
      roundTripMs: 0.301,
    })
    assert.equal(parseAnswer('[1795913325.01797] 220.0.2.2 : [7], timed out (NaN avg, 100% loss)'), undefined)
    assert.equal(parseAnswer('ICMP Host Unreachable from 10.0.0.1'), undefined)
  })

  it('asks the control last, and everybody within half a period', () => {
    assert.equal(fpingInput(['220.0.2.2']), '220.0.2.2\n127.0.0.1\n')
    const interval = (count: number) => Number(fpingArgv(150, count).at(-3))
    assert.equal(interval(2), 10)
    assert(interval(100) * 100 <= 75)
  })
})
