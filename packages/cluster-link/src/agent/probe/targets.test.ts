import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
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
