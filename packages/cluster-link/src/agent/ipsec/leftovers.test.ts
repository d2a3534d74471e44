import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { policyRemovals, stateRemovals } from './leftovers.ts'

const states = `src 192.0.2.1 dst 192.0.2.2
\tproto esp spi 0xdf7aae92 reqid 1 mode tunnel
\treplay-window 0 flag af-unspec
\taead rfc4106(gcm(aes)) <<Keys hidden>> 128
\tencap type espinudp sport 51873 dport 51873 addr 0.0.0.0
\tif_id 0x130c
src 192.0.2.9 dst 192.0.2.1
\tproto esp spi 0xb1e0cb58 reqid 1 mode tunnel
\treplay-window 32 flag af-unspec
src 192.0.2.8 dst 192.0.2.1
\tproto esp spi 0xb1e0cb59 reqid 1 mode tunnel
\tif_id 0x130cd
`
const policies = `src 10.0.0.0/8 dst 10.1.0.0/16 
\tdir out priority 100 ptype main 
\ttmpl src 192.0.2.1 dst 192.0.2.9
\t\tproto esp reqid 1 mode tunnel
src 240.0.2.2/32 dst 240.0.2.1/32 
\tdir fwd priority 367231 ptype main 
\ttmpl src 192.0.2.2 dst 192.0.2.1
\t\tproto esp reqid 1 mode tunnel
\tif_id 0x130c
`

describe('what a killed strongSwan left in the kernel', () => {
  it('goes, and nothing of others', () => {
    assert.deepEqual(stateRemovals(states), ['xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi 0xdf7aae92'])
    assert.deepEqual(policyRemovals(policies), [
      'xfrm policy delete src 240.0.2.2/32 dst 240.0.2.1/32 dir fwd if_id 0x130c',
    ])
  })

  it('is nothing where there is nothing', () => {
    assert.deepEqual([...stateRemovals(''), ...policyRemovals('')], [])
  })
})
