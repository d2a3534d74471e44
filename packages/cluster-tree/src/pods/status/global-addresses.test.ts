import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { withGlobalAddresses } from './global-addresses.ts'

const pod = (ips: readonly string[], hostNetwork = false) =>
  ({
    metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1' },
    spec: { containers: [], hostNetwork },
    status: { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })), hostIP: '10.1.0.9' },
  }) as unknown as Pod

const addresses = ({ status }: Pod) => [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)]

describe('a pod of a leaf whose networks are those of another cluster as well', () => {
  const globals = { '10.1.0.0/16': '242.1.0.0/16', 'fd00:1::/64': 'fd42:7::/64' }

  it('is shown with the addresses by which the others reach it, in both families', () => {
    assert.deepEqual(addresses(withGlobalAddresses(pod(['10.1.2.3', 'fd00:1::5']), globals)), [
      '242.1.2.3',
      '242.1.2.3',
      'fd42:7::5',
    ])
  })

  it('keeps addresses that nobody mapped, those of its node among them', () => {
    assert.deepEqual(addresses(withGlobalAddresses(pod(['10.2.0.1']), globals)), ['10.2.0.1', '10.2.0.1'])
    const onHost = pod(['10.1.0.9'], true)
    assert.equal(withGlobalAddresses(onHost, globals), onHost)
    assert.equal(withGlobalAddresses(pod(['10.1.2.3']), globals).status?.hostIP, '10.1.0.9')
  })

  it('is the same object while it has no address', () => {
    const { status: _, ...waiting } = pod([])
    for (const one of [pod([]), waiting as Pod]) assert.equal(withGlobalAddresses(one, globals), one)
  })

  it('has no list of addresses where it had none', () => {
    const { podIPs: _, ...status } = pod(['10.1.2.3']).status ?? {}
    const one = { ...pod([]), status } as Pod
    assert.deepEqual(withGlobalAddresses(one, globals).status, { ...status, podIP: '242.1.2.3' })
  })

  it('keeps its place within its network, whichever that is', () => {
    const octet = fc.nat({ max: 255 })
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 30 }), octet, octet, octet, (bits, a, b, c) => {
        const networkOf = (first: number) => `${first}.0.0.0/${bits}`
        const within = (2 ** (32 - bits) - 1) & ((a << 16) | (b << 8) | c)
        const host = [within >>> 16, (within >>> 8) & 255, within & 255].join('.')
        const mapping = { 'fd00:1::/64': 'fd42:7::/64', [networkOf(10)]: networkOf(42) }
        assert.equal(withGlobalAddresses(pod([`10.${host}`]), mapping).status?.podIP, `42.${host}`)
        assert.equal(withGlobalAddresses(pod([`11.${host}`]), mapping).status?.podIP, `11.${host}`)
      }),
    )
  })

  it('is the same object where nothing is mapped', () => {
    const one = pod(['10.1.2.3'])
    assert.equal(withGlobalAddresses(one, {}), one)
  })
})
