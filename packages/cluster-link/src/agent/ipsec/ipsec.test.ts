import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { CommandFailed, createShell, ToolMissing } from '../shell/shell.ts'
import { openTunnels, replacedTunnels } from './calls.ts'
import { charonConf } from './conf.ts'
import { connectionsOf, isOurs } from './connection.ts'
import { findIpsecImplementation } from './implementation.ts'
import { loadIpsecKey } from './key.ts'
import { decodeMessage, encodeMessage, type ViciMessage } from './vici-message.ts'

const peer = {
  publicKey: 'dGhlaXJz',
  local: '192.0.2.1',
  remote: '192.0.2.2',
  localSecure: '240.0.2.1',
  remoteSecure: '240.0.2.2',
}
const inverse = { ...peer, localSecure: peer.remoteSecure, remoteSecure: peer.localSecure }
const own = { publicKey: 'b3Vycw==', implementation: 'libipsec' } as const
const full = { ...own, implementation: 'xfrm' } as const
const childOf = (config: ViciMessage = {}) => (config.children as ViciMessage).tunnel as ViciMessage

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'kosmos-link-'))
  await work(root).finally(() => rm(root, { recursive: true }))
}

describe('what encrypts', () => {
  const tried: string[] = []
  const shellThat = (run: () => Promise<string>) => ({
    ...createShell(),
    run: (argv: readonly string[]) => {
      tried.push(argv.join(' '))
      return run()
    },
  })

  it('is the kernel where it takes an association and an interface for it, in a namespace that ends', async () => {
    assert.equal(await findIpsecImplementation(shellThat(async () => '')), 'xfrm')
    assert.match(tried.at(-1) ?? '', /^unshare --net .*ip xfrm state add .* esp .*gcm\(aes\).* encap espinudp/)
    assert.match(tried.at(-1) ?? '', / && ip link add \S+ type xfrm /)
  })

  it('is strongSwan where the kernel refuses', async () => {
    const refuses = () => Promise.reject(new CommandFailed(['unshare'], 2, 'RTNETLINK answers: Protocol not supported'))
    assert.equal(await findIpsecImplementation(shellThat(refuses)), 'libipsec')
  })

  it('is not known where there is no program to ask', async () => {
    await assert.rejects(findIpsecImplementation(shellThat(() => Promise.reject(new ToolMissing('unshare')))))
  })
})

describe('a peer behind a NAT', () => {
  it('is called at the port that is forwarded to it, from the port of ours', () => {
    const { local_port, remote_port, remote_addrs } = connectionOf({ ...peer, remotePort: 4_000 }, own).config ?? {}
    assert.deepEqual([local_port, remote_port, remote_addrs], ['51873', '4000', ['192.0.2.2', '%any']])
    assert.equal(connectionOf(peer, own).config?.remote_port, '51873')
  })
})

function connectionOf(...args: Parameters<typeof connectionsOf>) {
  const [first] = connectionsOf(...args)
  assert.ok(first)
  return first
}

describe('the tunnel to a peer', () => {
  it('is for the one address of each end, with AES-GCM only, and knows the other by its key', () => {
    const { config } = connectionOf(peer, own)
    const child = childOf(config)
    assert.deepEqual([child.local_ts, child.remote_ts, child.mode], [['240.0.2.1/32'], ['240.0.2.2/32'], 'tunnel'])
    for (const proposal of [config?.proposals, child.esp_proposals].flat()) assert.match(`${proposal}`, /^aes256gcm16-/)
    assert.deepEqual(config?.remote, {
      auth: 'pubkey',
      pubkeys: ['-----BEGIN PUBLIC KEY-----\ndGhlaXJz\n-----END PUBLIC KEY-----\n'],
    })
  })

  it('runs by the addresses of the underlay, within UDP by one port', () => {
    const { version, local_addrs, remote_addrs, local_port, remote_port, encap, mobike } = connectionOf(peer, own)
      .config as ViciMessage
    assert.deepEqual([local_addrs, remote_addrs], [['192.0.2.1'], ['192.0.2.2', '%any']])
    assert.deepEqual([version, local_port, remote_port, encap, mobike], ['2', '51873', '51873', 'yes', 'no'])
  })

  it('is set up by one of the two, and again when it is lost', () => {
    const [caller, called] = [connectionOf(peer, own), connectionOf(inverse, own)]
    assert.deepEqual([caller.isCaller, called.isCaller], [true, false])
    const { start_action, dpd_action, close_action } = childOf(caller.config)
    assert.deepEqual([start_action, dpd_action, close_action], ['start', 'restart', 'start'])
    assert.equal(childOf(called.config).start_action, 'none')
  })

  it('is awaited from a peer of which nobody knows where it is', () => {
    const { remote: _, ...unknown } = peer
    const { config, isCaller, canCall } = connectionOf(unknown, own)
    assert.deepEqual([config?.remote_addrs, isCaller, canCall], [['%any'], false, false])
  })

  it('is also set up by the first packet, and bound to our interface, where the kernel encrypts', () => {
    const child = childOf(connectionOf(peer, full).config)
    assert.deepEqual([child.start_action, child.if_id_in, child.if_id_out], ['trap|start', '4876', '4876'])
    assert.equal(childOf(connectionOf(peer, own).config).if_id_in, undefined)
  })

  it('has another name when anything about it is another', () => {
    const { name } = connectionOf(peer, own)
    assert.match(name, /^kosmos-240\.0\.2\.2-[0-9a-f]{12}$/)
    assert(isOurs(name))
    assert.equal(connectionOf({ ...peer }, own).name, name)
    const others = [
      { ...peer, publicKey: 'bmV3' },
      { ...peer, remote: '192.0.2.9' },
    ].map((one) => connectionOf(one, own))
    for (const other of [...others, connectionOf(peer, { ...own, publicKey: 'bmV3' })])
      assert.notEqual(other.name, name)
  })

  it('is there by the next key of the peer as well, which that one sets up when it goes over', () => {
    const [by, byNext] = connectionsOf({ ...peer, nextPublicKey: 'bmV4dA==' }, own)
    assert.ok(by && byNext)
    assert.equal(by.name, connectionOf(peer, own).name, 'the present one stays as it is')
    assert.deepEqual([byNext.isCaller, byNext.canCall, childOf(byNext.config).start_action], [false, false, 'none'])
    assert.match(JSON.stringify(byNext.config?.remote), /bmV4dA==/)
  })

  it('is ended when another one to the same peer carries packets, or none is wanted, and not before', () => {
    const wanted = [{ name: 'kosmos-240.0.2.2-new' }, { name: 'kosmos-240.0.2.2-next' }]
    const sa = (name: string, state: string): ViciMessage => ({ [name]: { 'child-sas': { 'tunnel-1': { state } } } })
    const old = sa('kosmos-240.0.2.2-old', 'INSTALLED')
    assert.deepEqual(replacedTunnels(wanted, [old]), [])
    assert.deepEqual(replacedTunnels(wanted, [old, sa('kosmos-240.0.2.2-next', 'CREATED')]), [])
    assert.deepEqual(replacedTunnels(wanted, [old, sa('kosmos-240.0.2.2-next', 'INSTALLED')]), ['kosmos-240.0.2.2-old'])
    assert.deepEqual(replacedTunnels(wanted, [sa('kosmos-240.0.2.9-old', 'INSTALLED')]), ['kosmos-240.0.2.9-old'])
    assert.deepEqual(replacedTunnels(wanted, [sa('of-somebody-else', 'INSTALLED')]), [])
  })

  it('is missed unless it is there or about to be', () => {
    const connections = [
      { name: 'kosmos-one', canCall: true },
      { name: 'kosmos-two', canCall: true },
    ]
    const missing = (...sas: ViciMessage[]) => openTunnels(connections, sas).missing.map(({ name }) => name)
    const child = { 'tunnel-1': { state: 'INSTALLED' } }
    assert.deepEqual(missing(), ['kosmos-one', 'kosmos-two'])
    assert.deepEqual(missing({ 'kosmos-one': { state: 'ESTABLISHED', 'child-sas': child } }), ['kosmos-two'])
    assert.deepEqual(missing({ 'kosmos-one': { state: 'CONNECTING', 'child-sas': {} } }), ['kosmos-two'])
    assert.deepEqual(missing({ 'kosmos-one': { state: 'ESTABLISHED', 'child-sas': {} } }), ['kosmos-one', 'kosmos-two'])
    const begun = { 'kosmos-one': { state: 'CONNECTING', 'child-sas': {} } }
    assert.deepEqual(openTunnels(connections.slice(0, 1), [begun]), { missing: [], coming: connections.slice(0, 1) })
    const isThere = { 'kosmos-one': { state: 'ESTABLISHED', 'child-sas': child } }
    assert.deepEqual(openTunnels(connections.slice(0, 1), [begun, isThere]), { missing: [], coming: [] })
    assert.deepEqual(openTunnels([{ name: 'kosmos-one', canCall: false }], []), { missing: [], coming: [] })
  })
})

describe('the configuration of strongSwan', () => {
  it('has a socket and ports of its own, leaves routes to the agent, and knows the kernel where that encrypts', () => {
    const conf = charonConf({ socket: '/var/lib/kosmos/link/ipsec/vici', implementation: 'xfrm' })
    assert.match(conf, /socket = unix:\/\/\/var\/lib\/kosmos\/link\/ipsec\/vici\n/)
    assert.match(conf, /port_nat_t = 51873\n/)
    assert.match(conf, /install_routes = no\n/)
    assert.match(conf, /load = .* vici kernel-netlink\n/)
    assert.doesNotMatch(conf, /include|libipsec|\/etc/)
  })

  it('has ESP of its own where the kernel has none', () => {
    assert.match(charonConf({ socket: '/s', implementation: 'libipsec' }), /load = .* kernel-libipsec kernel-netlink\n/)
  })
})

describe('messages to strongSwan', () => {
  it('are read as they were written', () => {
    const message = { a: 'b', list: ['x', 'y'], none: [], section: { deep: { er: '' } }, long: 'z'.repeat(300) }
    assert.deepEqual(decodeMessage(encodeMessage(message)), message)
  })

  it('are the bytes that its documentation shows', () => {
    const message = { key1: 'value1', section1: { 'sub-section': { key2: 'value2' }, list1: ['item1', 'item2'] } }
    const kv = (key: string, value: string) => `\x03\x04${key}\x00\x06${value}`
    const list = '\x04\x05list1\x05\x00\x05item1\x05\x00\x05item2\x06'
    const wanted = `${kv('key1', 'value1')}\x01\x08section1\x01\x0bsub-section${kv('key2', 'value2')}\x02${list}\x02`
    assert.equal(encodeMessage(message).toString('latin1'), wanted)
  })
})

describe('the key of a node for IKE', () => {
  it('is made once, of Ed25519, and for its owner only', () =>
    inFolder(async (root) => {
      const folder = join(root, 'link')
      const pair = await loadIpsecKey(folder)
      assert.deepEqual(await loadIpsecKey(folder), pair)
      const key = createPublicKey({ key: Buffer.from(pair.publicKey, 'base64'), format: 'der', type: 'spki' })
      assert.equal(key.asymmetricKeyType, 'ed25519')
      assert.equal((await stat(join(folder, 'ipsec.pem'))).mode & 0o777, 0o600)
      assert.deepEqual(await readdir(folder), ['ipsec.pem'])
    }))

  it('is never replaced because its file is damaged', () =>
    inFolder(async (root) => {
      await writeFile(join(root, 'ipsec.pem'), 'half')
      await assert.rejects(loadIpsecKey(root), /holds no private key/)
    }))
})
