import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
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

  it('is the same object where nothing is mapped', () => {
    const one = pod(['10.1.2.3'])
    assert.equal(withGlobalAddresses(one, {}), one)
  })
})
