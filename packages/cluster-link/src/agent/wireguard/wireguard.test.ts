import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nothing, type Peer, type WireGuard } from '../kernel/state.ts'
import { wireGuardConf } from './conf.ts'
import { keyPairOf, loadKeyPair } from './key.ts'
import { followRoaming } from './roaming.ts'

const dev = 'kl-wireguard'
const peer = (endpoint: string): Peer => ({ publicKey: 'peer', endpoint, allowedIPs: ['240.0.2.2/32'] })
const device = (endpoint: string): WireGuard => ({
  dev,
  publicKey: 'ours',
  port: 51_872,
  peers: new Map([['peer', peer(endpoint)]]),
})
const state = (endpoint: string) => ({ ...nothing, wireGuards: new Map([[dev, device(endpoint)]]) })

describe('the key pair of a node', () => {
  it('is computed from the private half', () => {
    const privateKey = Buffer.from('09'.padStart(64, '0'), 'hex').toString('base64')
    const { publicKey } = keyPairOf(privateKey)
    assert.equal(Buffer.from(publicKey, 'base64').length, 32)
    assert.equal(keyPairOf(privateKey).publicKey, publicKey)
    assert.throws(() => keyPairOf('short'), TypeError)
  })

  it('is made once, and for its owner only', async () => {
    const root = await mkdtemp(join(tmpdir(), 'kosmos-link-'))
    try {
      const directory = join(root, 'link')
      const pair = await loadKeyPair(directory)
      assert.deepEqual(await loadKeyPair(directory), pair)
      assert.notEqual(pair.privateKey, (await loadKeyPair(join(root, 'other'))).privateKey)
      assert.equal((await stat(join(directory, 'wireguard.key'))).mode & 0o777, 0o600)
      assert.equal((await stat(directory)).mode & 0o777, 0o700)
      assert.deepEqual(await readdir(directory), ['wireguard.key'])
    } finally {
      await rm(root, { recursive: true })
    }
  })

  it('is never replaced because its file is damaged', async () => {
    const root = await mkdtemp(join(tmpdir(), 'kosmos-link-'))
    try {
      await writeFile(join(root, 'wireguard.key'), 'half')
      await assert.rejects(loadKeyPair(root), /holds no WireGuard key/)
    } finally {
      await rm(root, { recursive: true })
    }
  })
})

describe('the configuration of a device', () => {
  it('has every peer, and a listening port', () => {
    assert.equal(
      wireGuardConf(device('192.0.2.2:51872'), 'private'),
      [
        '[Interface]',
        'PrivateKey = private',
        'ListenPort = 51872',
        '',
        '[Peer]',
        'PublicKey = peer',
        'Endpoint = 192.0.2.2:51872',
        'AllowedIPs = 240.0.2.2/32',
        'PersistentKeepalive = off',
        '',
      ].join('\n'),
    )
  })
})

describe('a peer that called from another address', () => {
  const [wanted, there] = ['192.0.2.2:51872', '203.0.113.9:4000']
  const endpoint = (handshakeAt: number, lastSet: ReadonlyMap<string, WireGuard>) =>
    followRoaming(state(wanted), state(there), {
      handshakes: [{ dev, publicKey: 'peer', at: handshakeAt }],
      now: 1_000,
      lastSet,
    })
      .wireGuards.get(dev)
      ?.peers.get('peer')?.endpoint

  it('is answered there as long as that works', () => {
    assert.equal(endpoint(900, new Map()), there)
    assert.equal(endpoint(900, new Map([[dev, device(wanted)]])), there)
  })

  it('is left where it called from when nobody knows where it is', () => {
    const callsFirst = { publicKey: 'peer', allowedIPs: ['240.0.2.2/32'] }
    const wants = {
      ...nothing,
      wireGuards: new Map([[dev, { ...device(wanted), peers: new Map([['peer', callsFirst]]) }]]),
    }
    const followed = followRoaming(wants, state(there), { handshakes: [], now: 1_000, lastSet: new Map() })
    assert.equal(followed.wireGuards.get(dev)?.peers.get('peer')?.endpoint, there)
  })

  it('is looked for where it should be when it has fallen silent', () => {
    assert.equal(endpoint(700, new Map()), wanted)
    assert.equal(endpoint(0, new Map()), wanted)
  })

  it('is looked for at a new place when the NodeConfig names one', () => {
    assert.equal(endpoint(900, new Map([[dev, device('192.0.2.99:51872')]])), wanted)
  })
})
