import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nothing, type Peer } from '../kernel/state.ts'
import { followSuccession, isAwaited } from './succession.ts'

const dev = 'kl-wireguard'
const allowedIPs = ['240.0.2.2/32']
const peer = { dev, publicKey: 'old', nextPublicKey: 'new', allowedIPs }
const wants = {
  ...nothing,
  wireGuards: new Map([
    [
      dev,
      {
        dev,
        publicKey: 'own',
        port: 51_872,
        peers: new Map<string, Peer>([
          ['old', { publicKey: 'old', allowedIPs }],
          ['new', { publicKey: 'new', allowedIPs: [] }],
        ]),
      },
    ],
  ]),
}
const behind = (at: number) => {
  const followed = followSuccession(wants, [peer], [{ dev, publicKey: 'new', at }]).wireGuards.get(dev)?.peers
  return [...(followed?.values() ?? [])].flatMap((one) => (one.allowedIPs.length > 0 ? [one.publicKey] : []))
}

describe('a peer that goes over to another key', () => {
  it('is reached by the old one until it has shaken hands with the new one, and by that from then on', () => {
    assert.deepEqual(behind(0), ['old'])
    assert.deepEqual(behind(1_764_417_600), ['new'])
    assert.deepEqual([isAwaited(peer, []), isAwaited(peer, [{ dev, publicKey: 'new', at: 1 }])], [true, false])
  })
})
