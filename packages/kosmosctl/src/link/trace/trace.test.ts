import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Circumstances, linkedFacts, type Sketch } from '../network/facts.fixture.ts'
import { viewOf } from '../network/view.ts'
import { type End, parseEnd } from './end.ts'
import { traceText } from './text.ts'
import { traceWay } from './trace.ts'

const mapped: Sketch = {
  name: 'berlin',
  nodes: 3,
  gateways: 1,
  network: 7,
  options: { networkType: 'gateway', tunnel: 'wireguard', globalCIDRsMap: { '10.7.0.0/16': '100.64.0.0/16' } },
}
const plain: Sketch = { name: 'paris', network: 8 }
const pod = (cluster: string, node: string, ...addresses: string[]): End => ({
  cluster,
  name: `${cluster}/default/web`,
  node,
  addresses,
  hostNetwork: false,
})
const inBerlin = pod('berlin', 'n3', '10.7.2.5')
const inParis = pod('paris', 'n1', '10.8.0.5')
const traced = (circumstances?: Circumstances, from = inBerlin, to = inParis) => {
  const trace = traceWay(viewOf(linkedFacts([mapped, plain], circumstances)), from, to)
  const [first] = trace.families
  assert.ok(first)
  return { trace, ...first }
}

describe('the trace of a way', () => {
  it('has each hop with device, next hop and the addresses that packets have there, both ways', () => {
    const { there, back } = traced()
    assert.deepEqual(
      there.hops.map(({ from, to, dev, source, target }) => [from, to, dev, source, target]),
      [
        ['berlin/n3', 'berlin/n1', 'vx-local', '100.64.2.5', '10.8.0.5'],
        ['berlin/n1', 'paris/n1', 'vx-secure', '100.64.2.5', '10.8.0.5'],
      ],
    )
    assert.equal(there.arrivedAt, 'paris/n1')
    assert.deepEqual(there.received, { source: '100.64.2.5', target: '10.8.0.5' })
    assert.deepEqual(back.sent, { source: '10.8.0.5', target: '100.64.2.5' })
    assert.equal(back.hops[0]?.to, 'berlin/n1')
    assert.equal(back.received?.target, '10.7.2.5')
    assert.equal(back.why, undefined)
  })

  it('marks the first hop that does not answer', () => {
    const { trace, there } = traced({ isSilent: (from, to) => from === 'berlin/n1' && to === 'paris/n1' })
    assert.equal(there.stopsAt, 1)
    assert.equal(there.why, 'paris/n1 does not answer berlin/n1 through vx-secure')
    assert.match(
      traceText(trace),
      /^X +berlin\/n1 +paris\/n1 +vx-secure \(encrypted\) +220\.\S+ +240\.\S+ +100\.64\.2\.5 +10\.8\.0\.5 +\d+ +down/m,
    )
    assert.match(traceText(trace), /there: stops: paris\/n1 does not answer/)
  })

  it('follows a packet from gateway to gateway until one reaches the other cluster', () => {
    const three = { ...mapped, nodes: 4, gateways: 3 }
    const isSilent = (from: string, to: string) =>
      from.split('/')[0] !== to.split('/')[0] && [from, to].some((one) => /berlin\/n[12]/.test(one))
    const from = pod('berlin', 'n2', '10.7.1.5')
    const trace = traceWay(viewOf(linkedFacts([three, plain], { isSilent })), from, inParis)
    const there = trace.families[0]?.there
    assert.equal(there?.why, undefined)
    assert.deepEqual(
      there?.hops.map(({ to }) => to),
      ['berlin/n1', 'berlin/n2', 'berlin/n3', 'paris/n1'],
    )
  })

  it('follows a packet of a pod in the network of its node, which is seen as an address of the tunnel', () => {
    const { there } = traced({}, { ...inBerlin, addresses: ['172.16.0.3'], hostNetwork: true })
    assert.equal(there.arrivedAt, 'paris/n1')
    assert.match(there.received?.source ?? '', /^220\./)
  })

  it('says that a pod in the network of its node is not reached, and why', () => {
    const { there } = traced({}, inParis, { ...inBerlin, addresses: ['172.16.0.3'], hostNetwork: true })
    assert.match(there.why ?? '', /in the network of its node/)
  })

  it('says which policy does not allow it', () => {
    const policies = { alone: { clusters: { names: ['berlin'] }, peers: [] } }
    const { there, back, trace } = traced({ policies })
    assert.deepEqual([there.hops, back.hops], [[], []])
    assert.match(traceText(trace), /stops: berlin and paris are not allowed to talk by ClusterLinkPolicy alone/)
  })

  it('says when the two share no family', () => {
    const facts = linkedFacts([mapped, plain])
    const trace = traceWay(viewOf(facts), inBerlin, pod('paris', 'n1', 'fd00::1'))
    assert.match(traceText(trace), /no address in the same family/)
  })
})

describe('an end of a trace', () => {
  it('is a pod, with its namespace or of the default one, or an address', () => {
    assert.deepEqual(parseEnd('paris/web-0'), { cluster: 'paris', namespace: 'default', pod: 'web-0' })
    assert.deepEqual(parseEnd('paris/shop/web-0'), { cluster: 'paris', namespace: 'shop', pod: 'web-0' })
    assert.deepEqual(parseEnd('paris/fd00::1'), { cluster: 'paris', address: 'fd00::1' })
    for (const wrong of ['paris', 'paris/', '/web', 'a/b/c/d', 'a/b/'])
      assert.throws(() => parseEnd(wrong), /names no pod/)
  })
})
