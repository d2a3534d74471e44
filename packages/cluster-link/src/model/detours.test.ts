import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detoursOf } from './detours.ts'

describe('the ways by other gateways of the same cluster', () => {
  const detours = [
    { gw: '210.0.0.3', dev: 'vx-local', metric: 1, takesHandedOn: true },
    { gw: '9480::3', dev: 'vx-local-6', metric: 1 },
    { gw: '210.0.0.2', dev: 'vx-local' },
    { gw: '9480::2', dev: 'vx-local-6' },
  ]
  const spec = { nodeName: 'n', detours }

  it('lead where the route does, in its family, the first one first', () => {
    assert.deepEqual(detoursOf({ cidr: '10.2.0.0/16', gw: '220.0.0.1', dev: 'vx-bridge' }, spec), [
      { cidr: '10.2.0.0/16', gw: '210.0.0.2', dev: 'vx-local' },
      { cidr: '10.2.0.0/16', gw: '210.0.0.3', dev: 'vx-local', metric: 1, takesHandedOn: true },
    ])
    const ipv6 = detoursOf({ cidr: 'fd00:2::/48', gw: '9470::1', dev: 'vx-bridge' }, spec)
    assert.deepEqual(
      ipv6.map(({ gw }) => gw),
      ['9480::2', '9480::3'],
    )
  })

  it('are none to where no gateway leads, within the cluster, or where there is one gateway', () => {
    assert.deepEqual(detoursOf({ cidr: '10.2.0.0/16', dev: 'vx-bridge' }, spec), [])
    for (const dev of ['vx-local', 'vx-local-6'])
      assert.deepEqual(detoursOf({ cidr: '10.2.0.0/16', gw: '210.0.0.9', dev }, spec), [])
    assert.deepEqual(detoursOf({ cidr: '10.2.0.0/16', gw: '220.0.0.1', dev: 'vx-bridge' }, { nodeName: 'n' }), [])
  })
})
